#include "policy/connection_file.h"
#include "tests/policy/connection_text.h"
#include "tests/policy/print_values.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_file)

using namespace viaduct::policy;
using namespace std::chrono_literals;

namespace {

Router router(std::string_view text, const SecretFileReader& read_secret = {}) {
    const auto result = parse(text, FileAccess::owner_only, read_secret);
    if (!result)
        for (const auto& mistake : result.error())
            BOOST_TEST_MESSAGE(mistake);
    BOOST_REQUIRE(result);
    return *result;
}
Connection connection(std::string_view text) {
    return router(text).connections.connections.at(0);
}

constexpr std::string_view documented = R"(
[router]
name  = "router1"
netns = "router1"                # a name under /run/netns, or a path

[ike.modern]                     # IKE policies, named and reusable
version   = 2
proposals = ["aes256gcm16-prfsha384-x25519", "aes256-sha256-modp2048"]
lifetime  = "8h"

[esp.modern]                     # IPsec policies
proposals = ["aes256gcm16-x25519", "aes128gcm16"]
lifetime  = "1h"

[[connection]]
name = "vpn2"
ike = "modern"
esp = "modern"
local_address  = "10.10.10.5"
peer_address   = "10.10.10.4"
psk = "…"
local_subnets  = ["192.168.11.0/24"]
remote_subnets = ["192.168.30.0/24", "192.168.40.0/24"]
start = "initiate"
dpd = { interval = "30s", action = "restart" }
)";

} // namespace

BOOST_AUTO_TEST_CASE(the_documented_example_is_read) {
    const auto result = router(documented);
    BOOST_TEST(result.name == "router1");
    BOOST_TEST(result.netns == "router1");
    const auto* const vpn2 = result.connections.find("vpn2");
    BOOST_REQUIRE(vpn2 != nullptr);
    BOOST_TEST(vpn2->ike.name == "modern");
    BOOST_TEST((vpn2->ike.version == IkeVersion::v2));
    BOOST_TEST(vpn2->ike.proposals.size() == 2u);
    BOOST_TEST(proposal_text(vpn2->ike.proposals[1]) == "aes256-sha256-modp2048");
    BOOST_TEST((vpn2->ike.lifetime == 8h));
    BOOST_TEST(vpn2->esp.proposals.size() == 2u);
    BOOST_TEST((vpn2->esp.lifetime == 1h));
    BOOST_TEST(vpn2->local_address.to_string() == "10.10.10.5");
    BOOST_TEST(std::get<IpAddress>(vpn2->peer_address).to_string() == "10.10.10.4");
    BOOST_TEST((vpn2->psk == Secret::from_text("…")));
    BOOST_TEST(to_string(vpn2->local_selectors) == "192.168.11.0/24");
    BOOST_TEST(to_string(vpn2->remote_selectors) == "192.168.30.0/24, 192.168.40.0/24");
    BOOST_TEST((vpn2->start == StartAction::initiate));
    BOOST_TEST((vpn2->dpd == DeadPeerDetection{30s, DpdAction::restart}));
}

BOOST_AUTO_TEST_CASE(what_is_left_out_has_a_default) {
    const auto vpn2 = connection(connection_text());
    BOOST_TEST(vpn2.local_id.to_string() == "10.10.10.5");
    BOOST_TEST(vpn2.peer_id.to_string() == "10.10.10.4");
    BOOST_TEST((vpn2.start == StartAction::respond));
    BOOST_TEST((vpn2.dpd == DeadPeerDetection{30s, DpdAction::restart}));
    BOOST_TEST((vpn2.ike.lifetime == 8h && vpn2.esp.lifetime == 1h));
    BOOST_TEST((vpn2.ike.version == IkeVersion::v2));
    BOOST_TEST(vpn2.esp.replay_window == 1024u);
    BOOST_TEST(router(connection_text()).netns.empty());
    BOOST_TEST((!vpn2.ike.rekey.margin && vpn2.ike.rekey.jitter == 100u));
    BOOST_TEST((!vpn2.esp.rekey.margin && vpn2.esp.rekey.jitter == 100u));
    BOOST_TEST((vpn2.ike.reauthentication == 0s));
    BOOST_TEST((vpn2.ike.first_contact == first_contact_schedule));
    BOOST_TEST((vpn2.ike.retransmission == established_schedule));
    BOOST_TEST((vpn2.ike.childless == ChildlessUse::allow));
    BOOST_TEST((vpn2.ike.fragmentation == Fragmentation{true, 1280}));
    BOOST_TEST((vpn2.close == CloseAction::restart && vpn2.unique == Uniqueness::replace));
    BOOST_TEST((vpn2.children == ChildrenShape::one));
    BOOST_TEST((vpn2.nat_traversal == NatTraversal{false, 20s}));
    BOOST_TEST((vpn2.peer_ports == PeerPorts{500, 4500}));
    BOOST_TEST(!router(connection_text()).ike_port.has_value());
    BOOST_TEST(!router(connection_text()).nat_port.has_value());
}

BOOST_AUTO_TEST_CASE(the_peer_is_an_address_a_name_or_anybody) {
    const auto named = connection(with_line("peer_address", R"(peer_address = "gw.example.org")"));
    BOOST_TEST(std::get<PeerName>(named.peer_address).name == "gw.example.org");
    BOOST_TEST(named.peer_id.to_string() == "gw.example.org");
    BOOST_TEST((named.peer_id.identity.type == IdentityType::fqdn));
    const auto anybody = connection(with_line("peer_address", R"(peer_address = "any")"));
    BOOST_TEST(std::holds_alternative<AnyPeer>(anybody.peer_address));
    BOOST_TEST((anybody.peer_id.kind == IdentityPattern::Kind::any));
}

BOOST_AUTO_TEST_CASE(identities_are_read_in_every_form) {
    const auto vpn2 =
        connection(connection_text("local_id = \"@router1\"\npeer_id = \"*.example.org\""));
    BOOST_TEST(vpn2.local_id.to_string() == "router1");
    BOOST_TEST(vpn2.peer_id.to_string() == "*.example.org");
    BOOST_TEST(connection(connection_text("peer_id = \"any\"")).peer_id.to_string() == "any");
}

BOOST_AUTO_TEST_CASE(dead_peer_detection_is_switched_off_with_zero) {
    const auto off = connection(connection_text("dpd = { interval = \"0s\" }"));
    BOOST_TEST((off.dpd == DeadPeerDetection{0s, DpdAction::restart}));
    const auto clear = connection(connection_text("dpd.action = \"clear\""));
    BOOST_TEST((clear.dpd == DeadPeerDetection{30s, DpdAction::clear}));
}

BOOST_AUTO_TEST_CASE(the_replay_window_belongs_to_the_ipsec_policy) {
    const auto text = with_line("proposals", "proposals = [\"aes256gcm16-prfsha384-x25519\"]\n"
                                             "lifetime = \"4h\"\n[esp.wide]\nreplay_window = 4096\n"
                                             "proposals = [\"aes128gcm16\"]");
    const auto wide = connection(with_line("esp", "esp = \"wide\"", text));
    BOOST_TEST(wide.esp.replay_window == 4096u);
    BOOST_TEST((wide.ike.lifetime == 4h));
}

BOOST_AUTO_TEST_CASE(a_secret_may_live_in_a_file_of_its_own) {
    const auto text = with_line("psk", R"(psk_file = "/etc/viaduct/vpn2.psk")");
    std::string asked;
    const auto result = parse(text, FileAccess::others_may_read, [&](std::string_view name) {
        asked = name;
        return std::expected<Secret, std::string>(Secret::from_text("correct horse"));
    });
    BOOST_REQUIRE(result);
    BOOST_TEST(asked == "/etc/viaduct/vpn2.psk");
    BOOST_TEST((result->connections.connections.at(0).psk == Secret::from_text("correct horse")));
}

// covers 7296-2.15-a, 7296-2.15-b
BOOST_AUTO_TEST_CASE(a_secret_of_text_is_its_characters) {
    const std::string text(64, 'x');
    const auto secret = connection(with_line("psk", "psk = \"" + text + "\"")).psk;
    BOOST_TEST(secret.size() == 64u);
    BOOST_TEST((secret == Secret::from_text(text)));
}

// covers 7296-2.15-c
BOOST_AUTO_TEST_CASE(a_secret_may_be_given_in_hexadecimal) {
    const auto secret = connection(with_line("psk", "psk_hex = \"00ff0Aa5\"")).psk;
    BOOST_TEST((secret == Secret(std::vector<std::uint8_t>{0x00, 0xff, 0x0a, 0xa5})));
}

BOOST_AUTO_TEST_CASE(both_families_fit_into_one_connection) {
    auto text =
        with_line("local_subnets", R"(local_subnets = ["192.168.11.0/24", "2001:db8:1::/48"])");
    text = with_line("remote_subnets", R"(remote_subnets = ["192.168.30.7", "2001:db8:2::/48"])",
                     text);
    BOOST_TEST(to_string(connection(text).remote_selectors) == "192.168.30.7/32, 2001:db8:2::/48");
}

BOOST_AUTO_TEST_CASE(an_automatic_local_address_has_the_family_of_the_peer) {
    auto text =
        with_line("local_address", "local_address = \"auto\"\nlocal_id = \"gw.example.org\"");
    BOOST_TEST(connection(text).local_address.to_string() == "0.0.0.0");
    BOOST_TEST(connection(text).local_id.to_string() == "gw.example.org");
    text = with_line("peer_address", R"(peer_address = "2001:db8::4")", text);
    BOOST_TEST(connection(text).local_address.to_string() == "::");
}

BOOST_AUTO_TEST_CASE(the_tunnel_and_what_travels_in_it_are_of_any_family) {
    auto text = with_line("local_address", R"(local_address = "2001:db8::5")");
    text = with_line("peer_address", R"(peer_address = "2001:db8::4")", text);
    const auto outer = connection(text);
    BOOST_TEST(outer.local_address.to_string() == "2001:db8::5");
    BOOST_TEST(outer.peer_id.to_string() == "2001:db8::4");
    BOOST_TEST(to_string(outer.local_selectors) == "192.168.11.0/24");
    text = with_line("peer_address", R"(peer_address = "gw.example.org")", text);
    text = with_line("local_subnets",
                     R"(local_subnets = ["2001:db8:1::/48[tcp/443]", "10.0.0.0/8"])", text);
    const auto mixed = connection(text);
    BOOST_TEST(std::get<PeerName>(mixed.peer_address).name == "gw.example.org");
    BOOST_TEST(to_string(mixed.local_selectors) == "2001:db8:1::/48[tcp/443], 10.0.0.0/8");
}

BOOST_AUTO_TEST_CASE(a_router_may_have_ports_of_its_own) {
    const auto own = router(with_lines("[router]", "ike_port = 1500\nnat_port = 65535"));
    BOOST_TEST(own.ike_port.value() == 1500);
    BOOST_TEST(own.nat_port.value() == 65535);
    BOOST_TEST(router(with_lines("[router]", "ike_port = 1")).ike_port.value() == 1);
    BOOST_TEST(router(with_lines("[router]", "nat_port = 501")).nat_port.value() == 501);
    const auto swapped = router(with_lines("[router]", "ike_port = 4500\nnat_port = 500"));
    BOOST_TEST(swapped.ike_port.value() == 4500);
}

BOOST_AUTO_TEST_CASE(a_routers_ports_differ) {
    const auto with = [](std::string_view lines) {
        return mistakes_text(with_lines("[router]", lines));
    };
    BOOST_TEST(with("ike_port = 1500\nnat_port = 1500") ==
               "router1.toml:4:12: 'nat_port': 'ike_port' is 1500; expected another port");
    BOOST_TEST(with("ike_port = 4500") == "router1.toml:3:12: 'ike_port': 'nat_port' is 4500 by "
                                          "default; expected another port");
    BOOST_TEST(with("nat_port = 500") == "router1.toml:3:12: 'nat_port': 'ike_port' is 500 by "
                                         "default; expected another port");
    BOOST_TEST(with("ike_port = 0") ==
               "router1.toml:3:12: 'ike_port': 0 is out of range; expected 1 to 65535");
    BOOST_TEST(with("nat_port = 65536") ==
               "router1.toml:3:12: 'nat_port': 65536 is out of range; expected 1 to 65535");
    BOOST_TEST(with("ike_port = \"500\"") == "router1.toml:3:12: 'ike_port': expected an integer "
                                             "from 1 to 65535, found a string");
    BOOST_TEST(with("port = 500") == "router1.toml:3:1: unknown key 'port' in [router]; expected "
                                     "one of name, netns, ike_port, nat_port, cookie_threshold");
}

BOOST_AUTO_TEST_CASE(a_router_may_ask_for_cookies_sooner) {
    BOOST_TEST(!router(connection_text()).cookie_threshold.has_value());
    const auto with = [](std::string_view line) { return with_lines("[router]", line); };
    BOOST_TEST(router(with("cookie_threshold = 0")).cookie_threshold.value() == 0);
    BOOST_TEST(router(with("cookie_threshold = 10000")).cookie_threshold.value() == 10000);
    BOOST_TEST(mistakes_text(with("cookie_threshold = 10001")) ==
               "router1.toml:3:20: 'cookie_threshold': 10001 is out of range; expected 0 to 10000");
}

BOOST_AUTO_TEST_CASE(a_router_may_have_no_connections_and_any_namespace) {
    BOOST_TEST(router("[router]\nname = \"r\"\nnetns = \"/proc/7/ns/net\"").netns ==
               "/proc/7/ns/net");
    BOOST_TEST(router("[router]\r\nname = \"r\"\r\n").connections.connections.empty());
}

BOOST_AUTO_TEST_CASE(equal_files_are_equal_values) {
    BOOST_TEST((router(connection_text()) == router(connection_text("start = \"respond\""))));
    BOOST_TEST((router(connection_text()) != router(with_line("psk", "psk = \"Correct horse\""))));
}

BOOST_AUTO_TEST_SUITE_END()
