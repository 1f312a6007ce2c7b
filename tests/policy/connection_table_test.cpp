#include "policy/connection_file.h"
#include "tests/policy/connection_text.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_table)

using namespace viaduct::policy;
using namespace std::chrono_literals;

namespace {

Connection connection(const std::string& text) {
    const auto result = parse(text);
    BOOST_REQUIRE_MESSAGE(result, mistakes_text(text));
    return result->connections.connections.at(0);
}
Connection with_extra(std::string_view lines) {
    return connection(connection_text(lines));
}

/// The lines begin in line 16 of the file.
std::string mistake(std::string_view lines) {
    return mistakes_text(connection_text(lines));
}

std::string with_subnets(std::string_view local, std::string_view remote,
                         std::string_view lines = "") {
    auto text = with_line("local_subnets", "local_subnets = [" + std::string(local) + "]",
                          connection_text(lines));
    return with_line("remote_subnets", "remote_subnets = [" + std::string(remote) + "]", text);
}

} // namespace

BOOST_AUTO_TEST_CASE(one_word_settles_what_happens_to_sas) {
    BOOST_TEST((with_extra("close_action = \"clear\"").close == CloseAction::clear));
    BOOST_TEST((with_extra("close_action = \"restart\"").close == CloseAction::restart));
    BOOST_TEST((with_extra("unique = \"replace\"").unique == Uniqueness::replace));
    BOOST_TEST((with_extra("unique = \"keep\"").unique == Uniqueness::keep));
    BOOST_TEST((with_extra("unique = \"never\"").unique == Uniqueness::never));
    BOOST_TEST((with_extra("children = \"one\"").children == ChildrenShape::one));
    BOOST_TEST((with_extra("children = \"per-pair\"").children == ChildrenShape::per_pair));
    BOOST_TEST(mistake("close_action = \"hold\"") ==
               "router1.toml:16:16: 'close_action': unknown word 'hold'; expected one of clear, "
               "restart");
    BOOST_TEST(mistake("unique = \"no\"") == "router1.toml:16:10: 'unique': unknown word 'no'; "
                                             "expected one of replace, keep, never");
    BOOST_TEST(mistake("unique = true") == "router1.toml:16:10: 'unique': expected a string such "
                                           "as \"replace\", found a boolean");
    BOOST_TEST(mistake("children = \"per_pair\"") ==
               "router1.toml:16:12: 'children': unknown word 'per_pair', did you mean 'per-pair'?");
}

BOOST_AUTO_TEST_CASE(nat_traversal_is_chosen) {
    BOOST_TEST(with_extra("encapsulation = \"always\"").nat_traversal.force);
    BOOST_TEST(!with_extra("encapsulation = \"auto\"").nat_traversal.force);
    BOOST_TEST((with_extra("nat_keepalive = \"0s\"").nat_traversal.keepalive == 0s));
    BOOST_TEST((with_extra("nat_keepalive = \"5m\"").nat_traversal.keepalive == 5min));
    BOOST_TEST(mistake("encapsulation = \"never\"") ==
               "router1.toml:16:17: 'encapsulation': unknown word 'never'; expected one of auto, "
               "always");
    BOOST_TEST(mistake("nat_keepalive = \"301s\"") ==
               "router1.toml:16:17: 'nat_keepalive': '301s' is out of range; expected 0s to 5m");
    BOOST_TEST(mistake("nat_keepalive = 20")
                   .starts_with("router1.toml:16:17: 'nat_keepalive': expected a string"));
}

BOOST_AUTO_TEST_CASE(the_peer_may_have_other_ports) {
    BOOST_TEST((with_extra("peer_port = 1500").peer_ports == PeerPorts{1500, 4500}));
    BOOST_TEST((with_extra("peer_nat_port = 65535").peer_ports == PeerPorts{500, 65535}));
    // One port for both: the peer's port for NAT from the start.
    BOOST_TEST((with_extra("peer_port = 4500").peer_ports == PeerPorts{4500, 4500}));
    BOOST_TEST(mistake("peer_port = 0") ==
               "router1.toml:16:13: 'peer_port': 0 is out of range; expected 1 to 65535");
    BOOST_TEST(mistake("peer_nat_port = 65536") ==
               "router1.toml:16:17: 'peer_nat_port': 65536 is out of range; expected 1 to 65535");
    BOOST_TEST(mistake("peer_ports = 500") ==
               "router1.toml:16:1: unknown key 'peer_ports' in connection 'vpn2', did you mean "
               "'peer_port'?");
}

BOOST_AUTO_TEST_CASE(subnets_carry_protocols_and_ports) {
    const auto web = connection(with_subnets(R"("192.168.11.0/24[tcp/443]", "10.1.1.1[icmp/8]")",
                                             R"("192.168.30.0/24", "10.2.0.0/16[icmp]")"));
    BOOST_TEST(to_string(web.local_selectors) == "192.168.11.0/24[tcp/443], 10.1.1.1/32[icmp/8]");
    BOOST_TEST(to_string(web.remote_selectors) == "192.168.30.0/24, 10.2.0.0/16[icmp]");
    BOOST_TEST(
        mistakes_text(
            with_subnets(R"("10.0.0.0/8", "192.168.11.0/24[tpc/443]")", R"("10.1.0.0/16")")) ==
        "router1.toml:14:49: 'tpc' is no protocol and no number of one (1 to 255), did you mean "
        "'tcp'?");
    BOOST_TEST(
        mistakes_text(with_subnets(R"("10.0.0.0/8[tcp]", "10.0.0.0/8[6]")", R"("10.1.0.0/16")")) ==
        "router1.toml:14:38: '10.0.0.0/8[6]' is in 'local_subnets' already");
    BOOST_TEST(mistakes_text(with_subnets(R"("10.0.0.0/8", "10.0.0.0/8[tcp]")", R"("10.1.0.0/16")"))
                   .empty());
}

BOOST_AUTO_TEST_CASE(both_sides_have_a_protocol_in_common) {
    BOOST_TEST(mistakes_text(with_subnets(R"("10.0.0.0/8[tcp/443]")", R"("10.1.0.0/16[udp]")")) ==
               "router1.toml:15:18: no protocol is in both local_subnets and remote_subnets");
    BOOST_TEST(mistakes_text(with_subnets(R"("10.0.0.0/8[tcp]", "2001:db8::/32[udp]")",
                                          R"("10.1.0.0/16[udp]", "2001:db8:1::/48[tcp]")"))
                   .contains("no protocol is in both"));
    BOOST_TEST(mistakes_text(
                   with_subnets(R"("10.0.0.0/8[tcp]", "10.0.0.0/8[udp]")", R"("10.1.0.0/16[udp]")"))
                   .empty());
}

BOOST_AUTO_TEST_CASE(pairs_of_subnets_have_a_limit) {
    const auto subnets = [](unsigned count) {
        std::string text;
        for (unsigned i = 0; i < count; ++i)
            text += "\"10.0." + std::to_string(i) + ".0/24\",";
        return text;
    };
    const std::string_view pairs = "children = \"per-pair\"";
    BOOST_TEST(mistakes_text(with_subnets(subnets(32), subnets(32), pairs)).empty());
    BOOST_TEST(mistakes_text(with_subnets(subnets(32), subnets(33), pairs)) ==
               "router1.toml:16:12: children = \"per-pair\" makes 1056 child SAs of these subnets; "
               "expected at most 1024");
    BOOST_TEST(mistakes_text(with_subnets(subnets(128), subnets(128))).empty());
}

BOOST_AUTO_TEST_SUITE_END()
