// Transport mode over IKEv1: an encapsulation mode of the transforms (RFC 2407 section 4.5), which
// a responder takes or refuses.
#include "tests/simulation/v1_scripted_peer.h"

namespace viaduct::simulation {

namespace {

using policy::EspMode;

/// What the two gateways say to each other.
policy::Connection old_gateways_vpn(EspMode mode) {
    auto left = old_left_vpn();
    left.esp.mode = mode;
    left.local_selectors = subnets({"10.10.10.5/32"});
    left.remote_selectors = subnets({"10.10.10.4/32"});
    return left;
}

void check_mode(OldTunnel& t, EspMode mode) {
    t.check_settled();
    for (const auto* gateway : {&t.net.left, &t.net.right}) {
        BOOST_TEST((gateway->kernel.installed().begin()->second.child.mode == mode));
        BOOST_TEST((child_sas(*gateway, "vpn").front().mode == mode));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(v1_transport_mode)

BOOST_AUTO_TEST_CASE(both_want_it_and_keep_it_when_they_rekey) {
    OldTunnel t(old_gateways_vpn(EspMode::transport));
    check_mode(t, EspMode::transport);
    for (const auto end : {End::left, End::right}) {
        t.net.command(end, ike::Rekey{"vpn", old_child_keys});
        t.net.run_for(1min);
        check_mode(t, EspMode::transport);
    }
}

BOOST_AUTO_TEST_CASE(who_is_asked_for_tunnel_mode_agrees_to_it) {
    auto right = mirrored(old_gateways_vpn(EspMode::transport));
    OldTunnel t(old_gateways_vpn(EspMode::tunnel), right);
    check_mode(t, EspMode::tunnel);
}

BOOST_AUTO_TEST_CASE(who_is_asked_for_transport_mode_and_has_it_not_refuses) {
    const auto left = old_gateways_vpn(EspMode::transport);
    TwoGateways net({{left}}, {{mirrored(old_gateways_vpn(EspMode::tunnel))}});
    net.run_for(10s);
    BOOST_TEST(net.children() == 0u);
    const auto why = failure_of<ike::cause::ProtocolViolation>(net.right);
    BOOST_REQUIRE(why);
    BOOST_TEST(why->what.contains("encapsulation mode"));
    BOOST_TEST(failure_of<ike::cause::PeerRefused>(net.left).has_value());
}

BOOST_AUTO_TEST_CASE(through_a_nat_it_is_tunnel_mode) {
    const auto left = old_gateways_vpn(EspMode::transport);
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.right.connections.connections.front().nat_traversal.force = true;
    net.right.restart();
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    for (const auto* gateway : {&net.left, &net.right}) {
        const auto& child = gateway->kernel.installed().begin()->second.child;
        BOOST_TEST((child.mode == EspMode::tunnel));
        BOOST_TEST(child.encapsulation.has_value());
    }
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
