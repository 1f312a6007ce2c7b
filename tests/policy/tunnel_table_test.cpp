#include "policy/connection_file.h"
#include "tests/policy/connection_text.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(tunnel_table)

using namespace viaduct::policy;

namespace {

Connection connection(std::string_view text) {
    const auto result = parse(text);
    BOOST_REQUIRE_MESSAGE(result, mistakes_text(text));
    return result->connections.connections.at(0);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_connection_is_policy_based_unless_it_names_an_interface) {
    const auto plain = connection(connection_text());
    BOOST_TEST(!plain.interface.has_value());
    BOOST_TEST(plain.mtu == 0u);
    BOOST_TEST(plain.leak_guard);
    const auto routed = connection(connection_text("interface = \"vti-vpn2\"\n"
                                                   "interface_addresses = [\"169.254.10.1/30\", "
                                                   "\"2001:db8::1/64\", \"10.0.0.7\"]\n"
                                                   "routes = false\nmtu = 1400\n"
                                                   "leak_guard = false"));
    BOOST_REQUIRE(routed.interface.has_value());
    BOOST_TEST(routed.interface->name == "vti-vpn2");
    BOOST_REQUIRE(routed.interface->addresses.size() == 3u);
    BOOST_TEST(routed.interface->addresses[0].to_string() == "169.254.10.1/30");
    BOOST_TEST(routed.interface->addresses[1].to_string() == "2001:db8::1/64");
    BOOST_TEST(routed.interface->addresses[2].to_string() == "10.0.0.7/32");
    BOOST_TEST(!routed.interface->routes);
    BOOST_TEST(routed.mtu == 1400u);
    BOOST_TEST(!routed.leak_guard);
    BOOST_TEST(connection(connection_text("interface = \"ipsec0\"")).interface->routes);
}

BOOST_AUTO_TEST_CASE(mistakes_about_the_interface_are_named) {
    const auto with = [](std::string_view lines) { return mistakes_text(connection_text(lines)); };
    const std::string name_rule =
        " is no name of an interface; expected 1 to 15 characters without "
        "white space, '/', ':' and '%'";
    BOOST_TEST(with("interface = \"a-name-that-is-too-long\"") ==
               "router1.toml:16:13: 'a-name-that-is-too-long'" + name_rule);
    BOOST_TEST(with("interface = \"vti/1\"") == "router1.toml:16:13: 'vti/1'" + name_rule);
    BOOST_TEST(with("interface = \"vti%d\"") == "router1.toml:16:13: 'vti%d'" + name_rule);
    BOOST_TEST(with("interface = \"..\"") == "router1.toml:16:13: '..'" + name_rule);
    BOOST_TEST(with("routes = false") == "router1.toml:16:10: 'routes' needs an 'interface'");
    BOOST_TEST(with("interface_addresses = [\"10.0.0.1/24\"]") ==
               "router1.toml:16:23: 'interface_addresses' needs an 'interface'");
    BOOST_TEST(with("interface = \"vti1\"\ninterface_addresses = [\"10.0.0.1/33\"]") ==
               "router1.toml:17:25: '10.0.0.1/33' is no address of an interface; expected one such "
               "as '169.254.10.1/30'");
    BOOST_TEST(
        with("interface = \"vti1\"\ninterface_addresses = [\"10.0.0.1/8\", \"10.0.0.1/8\"]") ==
        "router1.toml:17:39: '10.0.0.1/8' is in the list already");
    BOOST_TEST(with("mtu = 500") ==
               "router1.toml:16:7: 'mtu': 500 is out of range; expected 576 to 65535");
}

BOOST_AUTO_TEST_CASE(an_interface_needs_tunnel_mode) {
    const auto text = with_lines("[esp.modern]", "mode = \"transport\"",
                                 connection_text("interface = \"vti1\"\n"));
    BOOST_TEST(mistakes_text(text) ==
               "router1.toml:17:13: an 'interface' needs tunnel mode; the IPsec "
               "policy 'modern' has mode = \"transport\"");
}

BOOST_AUTO_TEST_CASE(transport_mode_is_for_the_gateways_own_addresses) {
    const auto with = [](std::string_view local, std::string_view remote, std::string_view peer) {
        auto text = with_lines("[esp.modern]", "mode = \"transport\"");
        text = with_line("local_subnets", "local_subnets = " + std::string(local), text);
        text = with_line("remote_subnets", "remote_subnets = " + std::string(remote), text);
        return with_line("peer_address", "peer_address = \"" + std::string(peer) + "\"", text);
    };
    const auto good = with("[\"10.10.10.5/32[tcp/179]\", \"10.10.10.5/32[udp]\"]",
                           "[\"10.10.10.4/32\"]", "10.10.10.4");
    BOOST_TEST((connection(good).esp.mode == EspMode::transport));
    BOOST_TEST(mistakes_text(with("[\"192.168.11.0/24\"]", "[\"10.10.10.6\"]", "10.10.10.4")) ==
               "router1.toml:15:17: [esp.modern] has mode = \"transport\", which is for the "
               "gateways' own addresses; expected [\"10.10.10.5\"]\n"
               "router1.toml:16:18: [esp.modern] has mode = \"transport\", which is for the "
               "gateways' own addresses; expected [\"10.10.10.4\"]");
    // Where the peer's address is not known, whoever comes from these networks fits.
    BOOST_TEST(mistakes_text(with("[\"10.10.10.5\"]", "[\"10.0.0.0/8\"]", "any")).empty());
}

BOOST_AUTO_TEST_CASE(what_starts_a_connection_needs_to_know_its_peer) {
    const auto on_demand = connection(connection_text("start = \"on-demand\""));
    BOOST_TEST((on_demand.start == StartAction::on_demand));
    const auto anybody = with_line("peer_address", "peer_address = \"any\"",
                                   connection_text("start = \"on-demand\""));
    BOOST_TEST(mistakes_text(anybody) ==
               "router1.toml:16:9: start = \"on-demand\" needs a peer_address "
               "other than \"any\"");
}

BOOST_AUTO_TEST_CASE(an_ipsec_policy_says_how_packets_become_esp) {
    const auto esp = [](std::string_view lines) {
        return connection(with_lines("[esp.modern]", lines)).esp;
    };
    const auto plain = esp("");
    BOOST_TEST((plain.mode == EspMode::tunnel && plain.offload == HardwareOffload::none));
    BOOST_TEST((plain.volume == VolumeLimit{}));
    BOOST_TEST((plain.header == HeaderConstruction{true, false, true, true}));
    const auto all =
        esp("mode = \"tunnel\"\nlifetime_bytes = 1073741824\nlifetime_packets = 1000\n"
            "copy_dscp = \"in\"\ncopy_ecn = false\ncopy_df = false\noffload = \"packet\"");
    BOOST_TEST((all.mode == EspMode::tunnel && all.offload == HardwareOffload::packet));
    BOOST_TEST((all.volume == VolumeLimit{1 << 30, 1000}));
    BOOST_TEST((all.header == HeaderConstruction{false, true, false, false}));
    BOOST_TEST((esp("copy_dscp = \"both\"").header == HeaderConstruction{true, true, true, true}));
    BOOST_TEST((esp("copy_dscp = \"no\"").header == HeaderConstruction{false, false, true, true}));
    BOOST_TEST((esp("offload = \"crypto\"").offload == HardwareOffload::crypto));
}

BOOST_AUTO_TEST_SUITE_END()
