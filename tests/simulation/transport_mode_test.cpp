// Transport mode: asked for, agreed to, declined, and where it cannot be (RFC 7296 sections 1.3.1
// and 3.10.1).
#include "ike/v2/transport_mode.h"
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(transport_mode)

namespace {

using policy::EspMode;

/// What the two gateways say to each other.
policy::Connection gateways_vpn(EspMode mode) {
    auto left = left_vpn();
    left.esp.mode = mode;
    left.local_selectors = subnets({"10.10.10.5/32"});
    left.remote_selectors = subnets({"10.10.10.4/32"});
    return left;
}

policy::Connection with_mode(policy::Connection connection, EspMode mode) {
    connection.esp.mode = mode;
    return connection;
}

void check_mode(StandingTunnel& t, EspMode mode) {
    t.check_one_pair();
    for (const auto* gateway : {&t.net.left, &t.net.right}) {
        BOOST_TEST((gateway->kernel.installed().begin()->second.child.mode == mode));
        BOOST_TEST((child_sas(*gateway, "vpn").front().mode == mode));
    }
}

std::size_t notifies(const Gateway& gateway) {
    return static_cast<std::size_t>(std::ranges::count_if(
        gateway.sent, [](const auto& arrow) { return arrow.contains("N(USE_TRANSPORT_MODE)"); }));
}

} // namespace

// covers 7296-1.3.1-a
BOOST_AUTO_TEST_CASE(both_want_it_and_keep_it_when_they_rekey) {
    StandingTunnel t(gateways_vpn(EspMode::transport));
    check_mode(t, EspMode::transport);
    BOOST_TEST(notifies(t.net.left) == 1u);
    BOOST_TEST(notifies(t.net.right) == 1u);
    for (const auto end : {End::left, End::right}) {
        t.net.command(end, ike::Rekey{"vpn", child_keys});
        t.net.run_for(10s);
        check_mode(t, EspMode::transport);
    }
    BOOST_TEST(notifies(t.net.left) == 3u);
    BOOST_TEST(notifies(t.net.right) == 3u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_declines_gets_tunnel_mode) {
    const auto left = gateways_vpn(EspMode::transport);
    StandingTunnel t(left, with_mode(mirrored(left), EspMode::tunnel));
    check_mode(t, EspMode::tunnel);
    BOOST_TEST(notifies(t.net.left) == 1u);
    BOOST_TEST(notifies(t.net.right) == 0u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_ask_gets_tunnel_mode) {
    const auto left = gateways_vpn(EspMode::tunnel);
    StandingTunnel t(left, with_mode(mirrored(left), EspMode::transport));
    check_mode(t, EspMode::tunnel);
    BOOST_TEST(notifies(t.net.left) + notifies(t.net.right) == 0u);
}

// covers 7296-2.23.1-a, 7296-2.23.1-b, 7296-2.23.1-c
BOOST_AUTO_TEST_CASE(it_is_not_for_networks) {
    auto left = gateways_vpn(EspMode::transport);
    left.local_selectors = subnets({"10.10.10.5/32", "192.168.11.0/24"});
    StandingTunnel t(left);
    check_mode(t, EspMode::tunnel);
    BOOST_TEST(notifies(t.net.left) == 0u);
}

BOOST_AUTO_TEST_CASE(a_responder_that_would_take_more_agrees_to_the_two_addresses) {
    // It takes part in what the peer asks for, and asks for what was agreed.
    const auto left = gateways_vpn(EspMode::transport);
    auto right = mirrored(left);
    right.local_selectors = subnets({"10.10.10.0/24"});
    StandingTunnel t(left, right);
    // There is no way for the rest of its network.
    t.net.traffic = false;
    check_mode(t, EspMode::transport);
    t.net.command(End::right, ike::Rekey{"vpn", child_keys});
    t.net.run_for(10s);
    check_mode(t, EspMode::transport);
}

BOOST_AUTO_TEST_CASE(a_nat_leads_to_tunnel_mode) {
    const auto left = gateways_vpn(EspMode::transport);
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    TwoGateways net({{left}}, {{right}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    BOOST_TEST(net.disagreements().empty());
    BOOST_TEST((child_sas(net.left, "vpn").front().mode == EspMode::tunnel));
    BOOST_TEST(notifies(net.left) == 0u);
}

BOOST_AUTO_TEST_CASE(an_answer_that_agrees_to_what_was_not_asked_for_is_refused) {
    using ike::v2::answered_mode;
    const std::vector<ike::wire::NotifyPayload> agreed{
        {.type = ike::wire::NotifyType::use_transport_mode}};
    constexpr auto exchange = ike::wire::ExchangeType::ike_auth;
    BOOST_TEST(!answered_mode(exchange, EspMode::tunnel, agreed));
    BOOST_TEST((answered_mode(exchange, EspMode::transport, agreed) == EspMode::transport));
    BOOST_TEST((answered_mode(exchange, EspMode::transport, {}) == EspMode::tunnel));
    BOOST_TEST((answered_mode(exchange, EspMode::tunnel, {}) == EspMode::tunnel));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
