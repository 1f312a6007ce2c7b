// What happens to a tunnel that is up: closing, silence, restart, replacement, reload.
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(life_cycle)

namespace {

struct Tunnel {
    policy::Connection connection = left_vpn();
    TwoGateways net;

    explicit Tunnel(policy::Connection c = left_vpn())
        : connection(std::move(c)), net({{connection}}, {{mirrored(connection)}}) {
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    }
    void check() {
        for (const auto& each : net.disagreements())
            BOOST_ERROR(each);
    }
    ike::ConnectionState left() { return status(net.left, "vpn").state; }
    ike::ConnectionState right() { return status(net.right, "vpn").state; }
};

void t_check(const TwoGateways& net) {
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
}

template <typename T> bool reason_is(const Gateway& gateway) {
    const auto reason = status(gateway, "vpn").reason;
    return reason && std::holds_alternative<T>(*reason);
}

} // namespace

// covers 7296-1.4-b, 7296-1.4.1-c
// covers story-ID01
BOOST_AUTO_TEST_CASE(the_operator_closes_and_nothing_is_left_on_either_side) {
    Tunnel t;
    t.net.command(End::left, ike::Terminate{"vpn"});
    t.net.run_for(1s);
    // INFORMATIONAL { D } -->          <-- INFORMATIONAL { }
    BOOST_TEST(t.net.left.sent.back() == "INFORMATIONAL { D } -->");
    BOOST_TEST(t.net.children() == 0u);
    BOOST_TEST(reason_is<ike::cause::ClosedByOperator>(t.net.left));
    BOOST_TEST(reason_is<ike::cause::ClosedByPeer>(t.net.right));
    t.net.run_for(1h);
    BOOST_TEST((t.left() == ike::ConnectionState::down));
    t.net.command(End::left, ike::Initiate{"vpn", {}});
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 5s));
    t.check();
}

// covers story-ID01, story-RB01
BOOST_AUTO_TEST_CASE(the_responder_closes_and_the_initiator_comes_back) {
    Tunnel t;
    t.net.command(End::right, ike::Terminate{"vpn"});
    BOOST_TEST(t.net.children() == 1u);
    t.net.run_for(100ms);
    BOOST_TEST(t.net.children() == 0u);
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 10s));
    t.check();
}

// covers 7296-2.3-c, 7296-2.25.2-c
// covers story-ID02
BOOST_AUTO_TEST_CASE(both_close_at_the_same_moment) {
    Tunnel t;
    t.net.command(End::left, ike::Terminate{"vpn"});
    t.net.command(End::right, ike::Terminate{"vpn"});
    t.net.run_for(60s);
    BOOST_TEST(t.net.children() == 0u);
    BOOST_TEST(status(t.net.left, "vpn").ike_sas.empty());
    BOOST_TEST(status(t.net.right, "vpn").ike_sas.empty());
}

// covers 7296-1.4-d
BOOST_AUTO_TEST_CASE(a_silent_peer_is_asked_and_answers) {
    Tunnel t;
    const auto before = t.net.datagrams();
    // Half a minute of silence, and a second in which the kernel may tell of traffic.
    t.net.run_for(32s);
    BOOST_TEST(t.net.datagrams() > before);
    BOOST_TEST(t.net.left.sent.back() == "INFORMATIONAL { } -->");
    t.net.run_for(10min);
    BOOST_TEST(t.net.up("vpn"));
    BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 1u);
}

// covers 7296-2.4-d, 7296-2.1-f
BOOST_AUTO_TEST_CASE(a_dead_peer_is_found_and_the_tunnel_returns_with_it) {
    Tunnel t;
    t.net.cut = true;
    BOOST_TEST(t.net.run_until([&] { return t.net.left.kernel.installed().empty(); }, 2min));
    BOOST_TEST(reason_is<ike::cause::PeerDead>(t.net.left));
    t.net.run_for(20min);
    BOOST_TEST(t.net.children() == 0u);
    t.net.cut = false;
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 2min));
    t.check();
}

// covers story-RB08
BOOST_AUTO_TEST_CASE(a_peer_that_is_gone_for_days_is_called_for_ever_and_not_too_often) {
    Tunnel t;
    t.net.cut = true;
    t.net.run_for(10min);
    std::vector<ike::TimePoint> calls;
    t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        // A first sending, by its SPI.
        static std::vector<std::uint8_t> last;
        std::vector<std::uint8_t> spi(octets.begin(), octets.begin() + 8);
        if (sender == End::left && octets[18] == 34 && std::exchange(last, spi) != spi)
            calls.push_back(t.net.now());
        return true;
    };
    t.net.run_for(48h);
    BOOST_REQUIRE(calls.size() > 100u);
    // The first one had begun before anybody looked.
    for (std::size_t i = 2; i < calls.size(); ++i) {
        // Minutes of patience with each call, and up to a minute and a quarter between them.
        BOOST_TEST((calls[i] - calls[i - 1] < 8min));
        BOOST_TEST((calls[i] - calls[i - 1] > 3min));
    }
    BOOST_TEST((t.net.now() - calls.back() < 8min));
    t.net.cut = false;
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 2min));
    t.check();
}

BOOST_AUTO_TEST_CASE(a_dead_peer_is_forgotten_where_the_action_is_clear) {
    auto connection = left_vpn();
    connection.dpd.action = policy::DpdAction::clear;
    Tunnel t(connection);
    t.net.cut = true;
    t.net.run_for(5min);
    BOOST_TEST((t.left() == ike::ConnectionState::down));
    t.net.cut = false;
    t.net.run_for(1h);
    BOOST_TEST((t.left() == ike::ConnectionState::down));
}

// covers 7296-2.4-d
// covers story-RB03
BOOST_AUTO_TEST_CASE(a_peer_that_restarted_replaces_its_old_sa) {
    Tunnel t;
    t.net.left.restart();
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn") && t.net.children() == 2; }, 5s));
    t.net.run_for(1s);
    // IKE_AUTH { IDi, IDr, AUTH, N(INITIAL_CONTACT), SA, TSi, TSr } -->
    BOOST_TEST(t.net.right.kernel.installed().size() == 1u);
    BOOST_TEST(status(t.net.right, "vpn").ike_sas.size() == 1u);
    t.check();
}

BOOST_AUTO_TEST_CASE(a_responder_that_restarted_is_found_dead_and_called_again) {
    Tunnel t;
    t.net.right.restart();
    BOOST_TEST(t.net.run_until(
        [&] { return t.net.right.kernel.installed().size() == 1 && t.net.up("vpn"); }, 2min));
    t.net.run_for(1s);
    t.check();
}

// covers 7296-2.8-a
BOOST_AUTO_TEST_CASE(at_the_end_of_life_a_successor_is_up_before_the_sa_goes) {
    auto connection = left_vpn();
    connection.esp.lifetime = 10min;
    Tunnel t(connection);
    const auto first = t.net.left.kernel.installed().begin()->second.child.inbound_spi;
    t.net.after_step = [&] {
        BOOST_TEST(!t.net.left.kernel.installed().empty());
        BOOST_TEST(!t.net.right.kernel.installed().empty());
    };
    t.net.run_for(11min);
    BOOST_TEST(t.net.children() == 2u);
    BOOST_TEST((t.net.left.kernel.installed().begin()->second.child.inbound_spi != first));
    t.check();
    t.net.run_for(5h);
    BOOST_TEST(t.net.children() == 2u);
    BOOST_TEST(t.net.up("vpn"));
    t.check();
}

BOOST_AUTO_TEST_CASE(a_reload_touches_only_what_changed) {
    auto vpn1 = left_vpn("vpn1"), vpn2 = left_vpn("vpn2");
    vpn1.local_selectors = subnets({"192.168.10.0/24"});
    TwoGateways net({{vpn1, vpn2}}, {{mirrored(vpn1), mirrored(vpn2)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn1") && net.up("vpn2"); }, 5s));
    auto changed = vpn2;
    changed.esp.proposals = esp_proposals({"aes128gcm16"});
    net.command(End::left, ike::Reconfigure{{{vpn1, changed}}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn1") && net.up("vpn2"); }, 5s));
    net.run_for(1s);
    std::size_t established_vpn1 = 0;
    for (const auto& each : net.left.reports)
        if (const auto* up = std::get_if<ike::IkeSaEstablished>(&each))
            established_vpn1 += up->connection == "vpn1" ? 1u : 0u;
    BOOST_TEST(established_vpn1 == 1u);
    BOOST_TEST(net.children() == 4u);
    net.command(End::left, ike::Reconfigure{{{vpn1}}});
    net.run_for(10s);
    BOOST_TEST(net.children() == 2u);
    BOOST_TEST((status(net.right, "vpn2").state == ike::ConnectionState::down));
}

// covers class-lost-secret
BOOST_AUTO_TEST_CASE(a_connection_removed_between_the_first_exchanges_does_not_come_up) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && octets[18] == 35 && !net.right.connections.connections.empty()) {
            net.right.connections = {};
            net.command(End::right, ike::Reconfigure{{}});
        }
        return true;
    };
    net.run_for(10s);
    BOOST_TEST(net.children() == 0u);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

// covers class-lost-secret
BOOST_AUTO_TEST_CASE(a_key_changed_between_the_first_exchanges_is_the_one_that_counts) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    bool changed = false;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && octets[18] == 35 && !std::exchange(changed, true)) {
            auto connections = net.right.connections;
            connections.connections.front().psk = policy::Secret::from_text("a new key");
            net.command(End::right, ike::Reconfigure{connections});
        }
        return true;
    };
    net.run_for(10s);
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_CASE(initial_contact_is_not_said_when_the_peer_came_first) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.start = policy::StartAction::initiate;
    TwoGateways net({{left}}, {{right}});
    bool first = true;
    net.inspect = [&](End sender, std::vector<std::uint8_t>&) {
        return sender != End::left || !std::exchange(first, false);
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(10s);
    t_check(net);
    for (const auto& each : net.left.sent)
        BOOST_TEST(!each.contains("INITIAL_CONTACT"));
}

BOOST_AUTO_TEST_CASE(a_shutdown_tells_the_peers_and_ends) {
    Tunnel t;
    t.net.command(End::left, ike::Shutdown{});
    t.net.run_for(1s);
    BOOST_TEST(t.net.children() == 0u);
    BOOST_TEST(!t.net.left.endpoint->next_deadline().has_value());
    t.net.command(End::right, ike::Initiate{"vpn", {}});
    t.net.run_for(10s);
    BOOST_TEST(t.net.children() == 0u);
}

// covers story-ID03
BOOST_AUTO_TEST_CASE(a_shutdown_ends_without_an_answer_too) {
    Tunnel t;
    t.net.cut = true;
    t.net.command(End::left, ike::Shutdown{});
    t.net.run_for(10s);
    BOOST_TEST(!t.net.left.endpoint->next_deadline().has_value());
    BOOST_TEST(t.net.left.kernel.installed().empty());
}

BOOST_AUTO_TEST_CASE(a_name_is_resolved_anew_for_each_attempt) {
    auto connection = left_vpn();
    connection.peer_address = policy::PeerName{"gw.example.org"};
    const auto right = mirrored(left_vpn());
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 7));
    ike::Endpoint endpoint({{connection}}, rng);
    const ike::TimePoint start{1h};
    const auto resolves = [&] {
        bool asked = false;
        while (const auto effect = endpoint.next_effect())
            asked |= std::holds_alternative<ike::ResolveName>(*effect);
        return asked;
    };
    endpoint.on_deadline(start);
    BOOST_TEST(resolves());
    endpoint.on_command(start, ike::NameResolved{"gw.example.org", {}});
    BOOST_TEST(std::holds_alternative<ike::cause::NameUnresolved>(
        *endpoint.status().connections[0].reason));
    resolves();
    endpoint.on_deadline(start + 5s);
    BOOST_TEST(resolves());
    endpoint.on_command(start + 5s, ike::NameResolved{"gw.example.org", {address("10.10.10.4")}});
    const auto effect = endpoint.next_effect();
    BOOST_REQUIRE(effect.has_value());
    BOOST_TEST((endpoint.status().connections[0].ike_sas.size() == 1u));
}

BOOST_AUTO_TEST_CASE(of_several_addresses_each_attempt_takes_the_next) {
    auto connection = left_vpn();
    connection.peer_address = policy::PeerName{"gw.example.org"};
    connection.ike.first_contact.attempts = 1;
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 7));
    ike::Endpoint endpoint({{connection}}, rng);
    const std::vector known{address("2001:db8::4"), address("10.10.10.4"), address("10.10.10.6")};
    std::vector<std::string> tried;
    auto now = ike::TimePoint{1h};
    for (unsigned i = 0; i < 40; ++i, now += 1s) {
        endpoint.on_deadline(now);
        while (const auto effect = endpoint.next_effect()) {
            if (std::holds_alternative<ike::ResolveName>(*effect))
                endpoint.on_command(now, ike::NameResolved{"gw.example.org", known});
            if (const auto* sent = std::get_if<ike::SendDatagram>(&*effect))
                tried.push_back(sent->path.remote.address.to_string());
        }
    }
    BOOST_REQUIRE(tried.size() >= 3u);
    tried.resize(3);
    const std::vector<std::string> expected{"10.10.10.4", "10.10.10.6", "10.10.10.4"};
    BOOST_TEST(tried == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_name_that_resolves_after_the_operator_closed_starts_nothing) {
    auto connection = left_vpn();
    connection.peer_address = policy::PeerName{"gw.example.org"};
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 7));
    ike::Endpoint endpoint({{connection}}, rng);
    const ike::TimePoint start{1h};
    endpoint.on_deadline(start);
    endpoint.on_command(start, ike::Terminate{"vpn"});
    endpoint.on_command(start, ike::NameResolved{"gw.example.org", {address("10.10.10.4")}});
    BOOST_TEST(endpoint.status().connections[0].ike_sas.empty());
    while (const auto effect = endpoint.next_effect())
        BOOST_TEST(!std::holds_alternative<ike::SendDatagram>(*effect));
}

BOOST_AUTO_TEST_CASE(a_fresh_endpoint_is_down_since_it_started) {
    auto connection = left_vpn();
    connection.start = policy::StartAction::respond;
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 7));
    ike::Endpoint endpoint({{connection}}, rng);
    endpoint.on_deadline(ike::TimePoint{1h});
    BOOST_TEST((endpoint.status().connections[0].since == ike::TimePoint{1h}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
