// Aggressive mode, which only a connection that says so begins or answers (RFC 2409 section 5.4).
#include "tests/simulation/v1_connections.h"

namespace viaduct::simulation {

namespace {

policy::Connection aggressive_left() {
    auto left = old_left_vpn();
    left.aggressive = true;
    left.local_id = policy::Identity::parse("branch17.example.org").value();
    return left;
}

policy::Connection waiting_for_anybody(const policy::Connection& left) {
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    return right;
}

} // namespace

BOOST_AUTO_TEST_SUITE(v1_aggressive_mode)

BOOST_AUTO_TEST_CASE(six_messages_make_a_tunnel_with_a_peer_of_any_address) {
    const auto left = aggressive_left();
    TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(1s);
    BOOST_TEST(net.datagrams() == 6u);
    BOOST_TEST(net.left.sent[0].starts_with("AGGRESSIVE { SA, KE, NONCE, ID, V"));
    BOOST_TEST(net.right.sent[0].starts_with("<-- AGGRESSIVE { SA, KE, NONCE, ID, HASH, NAT-D"));
    BOOST_TEST(net.left.sent[1].starts_with("AGGRESSIVE { HASH, NAT-D, NAT-D"));
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

BOOST_AUTO_TEST_CASE(the_identity_tells_which_secret_is_meant) {
    const auto left = aggressive_left();
    auto right = waiting_for_anybody(left), other = right;
    other.name = "other";
    other.peer_id = policy::IdentityPattern::parse("branch18.example.org").value();
    other.psk = policy::Secret::from_text("of branch 18");
    TwoGateways net({{left}}, {{other, right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

// covers class-ikev1
BOOST_AUTO_TEST_CASE(nobody_is_answered_who_was_not_to_be) {
    const auto left = aggressive_left();
    auto right = waiting_for_anybody(left);
    right.aggressive = false;
    TwoGateways net({{left}}, {{right}});
    net.run_for(10s);
    BOOST_TEST(net.right.sent.empty());
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    const auto why = failure_of<ike::cause::ProtocolViolation>(net.right);
    BOOST_REQUIRE(why);
    BOOST_TEST(why->what.contains("aggressive = true"));
}

BOOST_AUTO_TEST_CASE(main_mode_is_answered_beside_it) {
    auto left = aggressive_left();
    const auto right = waiting_for_anybody(left);
    left.aggressive = false;
    TwoGateways net({{left}}, {{right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

BOOST_AUTO_TEST_CASE(different_secrets_are_found_by_the_initiator) {
    const auto left = aggressive_left();
    auto right = waiting_for_anybody(left);
    right.psk = policy::Secret::from_text("another secret");
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::PeerNotAuthenticated>(net.left);
    BOOST_REQUIRE(seen);
    BOOST_TEST(seen->connections == std::vector<std::string>{"vpn"});
    net.command(End::left, ike::Terminate{"vpn"});
    net.run_for(1min);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_CASE(any_single_message_may_be_lost_or_come_twice) {
    for (unsigned lost = 1; lost <= 6; ++lost) {
        BOOST_TEST_CONTEXT("message " << lost) {
            const auto left = aggressive_left();
            TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
            net.faults.duplication = 0.5;
            unsigned number = 0;
            net.inspect = [&](End, std::vector<std::uint8_t>&) { return ++number != lost; };
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 1min));
            net.run_for(1min);
            BOOST_TEST(net.children() == 2u);
            BOOST_TEST(net.disagreements().empty());
        }
    }
}

// covers 3947-4-i, 3947-4-j
BOOST_AUTO_TEST_CASE(it_finds_a_nat) {
    const auto left = aggressive_left();
    TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    BOOST_TEST(ike_sas(net.left, "vpn").front().local_behind_nat);
    BOOST_TEST(ike_sas(net.right, "vpn").front().remote_behind_nat);
    BOOST_TEST(!ike_sas(net.right, "vpn").front().local_behind_nat);
    for (const auto* gateway : {&net.left, &net.right})
        BOOST_TEST(gateway->kernel.installed().begin()->second.child.encapsulation.has_value());
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
