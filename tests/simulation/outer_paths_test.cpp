// Local addresses that are not there yet, go and come back, and routes that change.
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(outer_paths)

namespace {

using Kind = ike::PathObstacle::Kind;

const ike::PathObstacle no_address{Kind::no_local_address, *policy::IpAddress::parse("10.10.10.5")};

ike::PathChanged blocked() {
    return {.connection = "vpn", .obstacle = no_address};
}
ike::PathChanged open() {
    return {.connection = "vpn", .obstacle = {}};
}

std::string code_of(const Gateway& gateway) {
    const auto reason = status(gateway, "vpn").reason;
    return reason ? std::string(ike::code(*reason)) : "";
}

policy::Connection initiating() {
    auto left = left_vpn();
    left.start = policy::StartAction::initiate;
    return left;
}

} // namespace

BOOST_AUTO_TEST_CASE(without_its_address_a_connection_waits_in_silence) {
    TwoGateways net({{initiating()}}, {{mirrored(left_vpn())}});
    net.command(End::left, blocked());
    net.run_for(10min);
    BOOST_TEST(net.datagrams() == 0u);
    BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::waiting));
    BOOST_TEST(code_of(net.left) == "no_local_address");
    // Also when the operator asks for it, who is told why.
    const auto failures = count<ike::NegotiationFailed>(net.left);
    net.command(End::left, ike::Initiate{"vpn", {}});
    net.run_for(1s);
    BOOST_TEST(net.datagrams() == 0u);
    BOOST_TEST(count<ike::NegotiationFailed>(net.left) == failures + 1);

    net.command(End::left, open());
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 1s));
    BOOST_TEST(code_of(net.left) == "");
}

BOOST_AUTO_TEST_CASE(a_responder_without_its_address_says_so) {
    TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}});
    net.command(End::right, blocked());
    BOOST_TEST(code_of(net.right) == "no_local_address");
    BOOST_TEST((status(net.right, "vpn").state == ike::ConnectionState::down));
    net.command(End::right, open());
    BOOST_TEST(code_of(net.right) == "");
    net.run_for(1min);
    BOOST_TEST((status(net.right, "vpn").state != ike::ConnectionState::waiting));
}

BOOST_AUTO_TEST_CASE(an_attempt_under_way_ends_with_the_address) {
    TwoGateways net({{initiating()}}, {{mirrored(left_vpn())}});
    net.cut = true;
    net.run_for(5s);
    net.command(End::left, blocked());
    const auto sent = net.datagrams();
    net.run_for(10min);
    BOOST_TEST(net.datagrams() == sent);
    BOOST_TEST(code_of(net.left) == "no_local_address");
    net.cut = false;
    net.command(End::left, open());
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 1s));
}

BOOST_AUTO_TEST_CASE(what_is_up_outlives_a_short_absence_of_the_address) {
    StandingTunnel t(initiating());
    const auto before = ike_sas(t.net.left, "vpn").front().initiator_spi;
    t.net.command(End::left, blocked());
    t.net.cut = true;
    t.net.run_for(20s);
    t.net.cut = false;
    t.net.command(End::left, open());
    t.net.run_for(1min);
    t.check_one_pair();
    BOOST_TEST((ike_sas(t.net.left, "vpn").front().initiator_spi == before));
}

BOOST_AUTO_TEST_CASE(after_a_long_absence_it_begins_anew_at_once) {
    StandingTunnel t(initiating());
    t.net.traffic = false;
    t.net.command(End::left, blocked());
    t.net.cut = true;
    t.net.run_for(30min);
    BOOST_TEST((status(t.net.left, "vpn").state == ike::ConnectionState::waiting));
    BOOST_TEST(code_of(t.net.left) == "no_local_address");
    BOOST_TEST(t.net.left.kernel_children() == 0u);
    t.net.cut = false;
    t.net.command(End::left, open());
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 1s));
}

BOOST_AUTO_TEST_CASE(another_route_ends_the_wait_between_attempts_and_sendings) {
    TwoGateways net({{initiating()}}, {{mirrored(left_vpn())}});
    net.cut = true;
    // Between two sendings of a request.
    net.run_for(30s);
    net.cut = false;
    net.command(End::left, open());
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 1s));

    // Between two attempts.
    TwoGateways late({{initiating()}}, {{mirrored(left_vpn())}});
    late.cut = true;
    const auto waits = [&] {
        return status(late.left, "vpn").state == ike::ConnectionState::waiting;
    };
    for (int attempt = 0; attempt < 6; ++attempt) {
        BOOST_TEST(late.run_until([&] { return !waits(); }, 10min));
        BOOST_TEST(late.run_until(waits, 1h));
    }
    late.cut = false;
    late.command(End::left, open());
    BOOST_TEST(late.run_until([&] { return late.up("vpn"); }, 1s));
}

BOOST_AUTO_TEST_CASE(a_request_of_an_established_sa_is_sent_again) {
    StandingTunnel t(initiating());
    t.net.cut = true;
    t.net.command(End::left, ike::Rekey{"vpn", child_keys});
    t.net.run_for(8s);
    t.net.cut = false;
    t.net.command(End::left, open());
    BOOST_TEST(t.net.run_until([&] { return count<ike::ChildSaEstablished>(t.net.left) > 1; }, 1s));
    t.net.run_for(10s);
    t.check_one_pair();
}

BOOST_AUTO_TEST_CASE(a_peer_learns_from_the_new_address_that_the_old_one_is_over) {
    auto left = initiating();
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    StandingTunnel t(left, right);
    t.net.traffic = false;
    t.net.gone_address = left.local_address;
    left.local_address = address("10.10.10.9");
    // What is under way is not answered any more, and goes before the farewell.
    t.net.command(End::left, ike::Rekey{"vpn", child_keys});
    t.net.command(End::left, ike::Reconfigure{{{left}}});
    const auto leads_there = [&] {
        const auto* const sending = t.net.right.kernel.outbound(right.local_selectors.front(),
                                                                right.remote_selectors.front());
        return sending && sending->child.remote_address == left.local_address;
    };
    BOOST_TEST(t.net.run_until(leads_there, 5s));
    BOOST_TEST(t.net.run_until([&] { return ike_sas(t.net.right, "vpn").size() == 1u; }, 5s));
    t.net.run_for(2min);
    t.check_one_pair();
}

BOOST_AUTO_TEST_CASE(what_nobody_wants_is_not_begun_by_a_path) {
    TwoGateways net({{initiating()}}, {{mirrored(left_vpn())}});
    net.command(End::left, blocked());
    net.run_for(1s);
    net.command(End::left, ike::Terminate{"vpn"});
    net.command(End::left, open());
    net.run_for(10min);
    BOOST_TEST(net.datagrams() == 0u);
    BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::down));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
