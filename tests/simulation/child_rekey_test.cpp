// Child SAs that are rekeyed: by either side, by both at once, late, and against a delete
// (RFC 7296 sections 1.3.3, 2.8, 2.8.1 and 2.25.1). Traffic runs all the time and none is lost.
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(child_rekey)

// covers story-CR01, story-OT01
BOOST_AUTO_TEST_CASE(either_side_may_rekey) {
    for (const auto end : {End::left, End::right}) {
        StandingTunnel t;
        const auto old = t.inbound(End::left);
        t.net.command(end, ike::Rekey{"vpn", child_keys});
        t.net.run_for(10s);
        t.check_one_pair();
        BOOST_TEST((t.inbound(End::left) != old));
        BOOST_TEST(ike_sas(t.net.left, "vpn").size() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(time_rekeys_for_ever) {
    auto left = left_vpn();
    left.esp.lifetime = 60s;
    StandingTunnel t(left);
    t.net.run_for(2h);
    t.check_one_pair();
    BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) > 100u);
    BOOST_TEST(count<ike::NegotiationFailed>(t.net.left) == 0u);
    BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 1u);
}

// The kernel says it once.
BOOST_AUTO_TEST_CASE(a_soft_limit_that_comes_too_early_is_not_forgotten) {
    StandingTunnel t;
    t.net.command(End::left, ike::Rekey{"vpn", child_keys});
    BOOST_REQUIRE(t.net.run_until([&] { return t.net.right.kernel_children() == 2; }, 5s));
    const auto waits = std::ranges::find_if(t.net.right.kernel.installed(),
                                            [](const auto& each) { return !each.second.outbound; });
    BOOST_REQUIRE(waits != t.net.right.kernel.installed().end());
    t.net.kernel_event(End::right, ike::SoftExpired{waits->second.child.inbound_spi});
    t.net.run_for(1min);
    BOOST_TEST(count<ike::ChildSaEstablished>(t.net.right) == 3u);
    t.check_one_pair();
}

// covers story-CR08
BOOST_AUTO_TEST_CASE(both_at_the_same_moment_leave_one) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        StandingTunnel t(left_vpn(), seed);
        t.net.command(End::left, ike::Rekey{"vpn", child_keys});
        t.net.command(End::right, ike::Rekey{"vpn", child_keys});
        t.net.run_for(30s);
        t.check_one_pair();
    }
}

// covers 7296-2.8.1-e, story-CR11, story-CR12
BOOST_AUTO_TEST_CASE(both_at_once_with_one_request_late) {
    for (const auto late : {End::left, End::right}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            StandingTunnel t(left_vpn(), seed);
            t.net.hold(late);
            t.net.command(late, ike::Rekey{"vpn", child_keys});
            t.net.command(other(late), ike::Rekey{"vpn", child_keys});
            t.net.run_for(500ms);
            t.net.release(late);
            t.net.run_for(30s);
            t.check_one_pair();
        }
    }
}

// covers story-CR02
BOOST_AUTO_TEST_CASE(another_group_than_the_one_tried_first) {
    auto left = left_vpn();
    left.esp.proposals = esp_proposals({"aes256gcm16-x25519-ecp256"});
    auto right = mirrored(left);
    right.esp.proposals = esp_proposals({"aes256gcm16-ecp256"});
    StandingTunnel t(left, right);
    t.net.command(End::left, ike::Rekey{"vpn", child_keys});
    t.net.run_for(10s);
    t.check_one_pair();
    BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) == 2u);
}

// covers story-CR21
BOOST_AUTO_TEST_CASE(one_rekeys_the_child_and_the_other_the_ike_sa) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        StandingTunnel t(left_vpn(), seed);
        const auto child = t.inbound(End::left);
        const auto ike = ike_sas(t.net.left, "vpn").front().initiator_spi;
        // CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, KEi, TSi, TSr } -->
        //                                <-- CREATE_CHILD_SA { SA, Ni, KEi }
        // CREATE_CHILD_SA { N(TEMPORARY_FAILURE) } -->
        //                                <-- CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
        t.net.command(End::left, ike::Rekey{"vpn", child_keys});
        t.net.command(End::right, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(1min);
        t.check_one_pair();
        BOOST_TEST((t.inbound(End::left) != child));
        BOOST_TEST((ike_sas(t.net.left, "vpn").front().initiator_spi != ike));
        BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 2u);
        BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) == 2u);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
