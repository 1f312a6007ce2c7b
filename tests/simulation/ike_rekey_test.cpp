// IKE SAs that are rekeyed: by either side, by both at once, late, and over a link that fails in
// the middle (RFC 7296 sections 1.3.2, 2.8, 2.8.2 and 2.25.2). Traffic runs all the time.
#include "tests/simulation/scripted_messages.h"
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(ike_rekey)

// covers 7296-2.18-a, 7296-2.18-c, story-IR01
BOOST_AUTO_TEST_CASE(either_side_may_rekey_the_ike_sa) {
    for (const auto end : {End::left, End::right}) {
        StandingTunnel t;
        const auto old = ike_sas(t.net.left, "vpn").front().initiator_spi;
        const auto child = t.inbound(End::left);
        t.net.command(end, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(60s);
        t.check_one_pair();
        for (const auto* gateway : {&t.net.left, &t.net.right}) {
            const auto sas = status(*gateway, "vpn").ike_sas;
            BOOST_REQUIRE(sas.size() == 1u);
            BOOST_TEST((sas.front().initiator_spi != old));
        }
        BOOST_TEST((t.inbound(End::left) == child));
        // The successor works: a child is rekeyed through it.
        t.net.command(other(end), ike::Rekey{"vpn", child_keys});
        t.net.run_for(10s);
        t.check_one_pair();
        BOOST_TEST((t.inbound(End::left) != child));
    }
}

// covers 7296-2.8.2-a, 7296-2.25.2-a, story-IR03, story-IR16
BOOST_AUTO_TEST_CASE(both_rekey_the_ike_sa_at_the_same_moment) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        StandingTunnel t(left_vpn(), seed);
        const auto child = t.inbound(End::left);
        t.net.command(End::left, ike::Rekey{"vpn", ike_keys});
        t.net.command(End::right, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(2min);
        t.check_one_pair();
        BOOST_TEST(status(t.net.left, "vpn").ike_sas.size() == 1u);
        BOOST_TEST(status(t.net.right, "vpn").ike_sas.size() == 1u);
        BOOST_TEST((t.inbound(End::left) != child));
    }
}

// covers 7296-2.8.2-c, 7296-2.8.2-d, story-IR08
BOOST_AUTO_TEST_CASE(both_rekey_the_ike_sa_with_one_request_late) {
    for (const auto late : {End::left, End::right}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            StandingTunnel t(left_vpn(), seed);
            t.net.hold(late);
            t.net.command(late, ike::Rekey{"vpn", ike_keys});
            t.net.command(other(late), ike::Rekey{"vpn", ike_keys});
            t.net.run_for(500ms);
            t.net.release(late);
            t.net.run_for(2min);
            t.check_one_pair();
            BOOST_TEST(status(t.net.left, "vpn").ike_sas.size() == 1u);
            BOOST_TEST(status(t.net.right, "vpn").ike_sas.size() == 1u);
        }
    }
}

// covers story-RB07
BOOST_AUTO_TEST_CASE(time_rekeys_both_kinds_for_ever) {
    auto left = left_vpn();
    left.esp.lifetime = 50s;
    left.ike.lifetime = 70s;
    StandingTunnel t(left);
    t.net.run_for(2h);
    t.check_one_pair();
    BOOST_TEST(count<ike::NegotiationFailed>(t.net.left) == 0u);
    BOOST_TEST(status(t.net.left, "vpn").ike_sas.size() == 1u);
}

namespace {

constexpr std::uint8_t create_child_sa = 36, informational = 37;

std::uint64_t initiator_spi(const std::vector<std::uint8_t>& octets) {
    std::uint64_t spi = 0;
    for (std::size_t i = 0; i < 8; ++i)
        spi = spi << 8 | octets.at(i);
    return spi;
}
bool is_response(const std::vector<std::uint8_t>& octets) {
    return (octets.at(19) & 0x20) != 0;
}

std::uint64_t only_ike_sa(StandingTunnel& t) {
    const auto sas = ike_sas(t.net.left, "vpn");
    BOOST_REQUIRE(sas.size() == 1u);
    return static_cast<std::uint64_t>(sas.front().initiator_spi);
}

void check_one_ike_sa(StandingTunnel& t) {
    for (const auto* gateway : {&t.net.left, &t.net.right})
        BOOST_TEST(status(*gateway, "vpn").ike_sas.size() == 1u);
    BOOST_TEST((ike_sas(t.net.right, "vpn").front().initiator_spi ==
                ike_sas(t.net.left, "vpn").front().initiator_spi));
    t.check_one_pair();
}

} // namespace

// covers story-IR07
BOOST_AUTO_TEST_CASE(one_request_of_two_crossing_ones_is_lost_for_good) {
    for (const auto unlucky : {End::left, End::right}) {
        StandingTunnel t;
        const auto old = only_ike_sa(t);
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            return sender != unlucky || octets.at(18) != create_child_sa || is_response(octets) ||
                   initiator_spi(octets) != old;
        };
        t.net.command(unlucky, ike::Rekey{"vpn", ike_keys});
        t.net.command(other(unlucky), ike::Rekey{"vpn", ike_keys});
        t.net.run_for(2min);
        check_one_ike_sa(t);
        BOOST_TEST(only_ike_sa(t) != old);
        // The one that the other end made.
        BOOST_TEST((ike_sas(t.net.at(unlucky), "vpn").front().role == ike::Role::responder));
        BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 2u);
    }
}

// covers story-IR06
BOOST_AUTO_TEST_CASE(one_end_decides_before_the_other_has_its_response) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        StandingTunnel t(left_vpn(), seed);
        const auto old = only_ike_sa(t);
        const auto until = t.net.now() + 3s;
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            return sender != End::right || octets.at(18) != create_child_sa ||
                   !is_response(octets) || t.net.now() >= until;
        };
        t.net.command(End::left, ike::Rekey{"vpn", ike_keys});
        t.net.command(End::right, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(2min);
        check_one_ike_sa(t);
        BOOST_TEST(only_ike_sa(t) != old);
    }
}

// covers story-IR12
BOOST_AUTO_TEST_CASE(the_link_drops_in_the_middle_of_a_rekey) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        StandingTunnel t(left_vpn(), seed);
        const auto old = only_ike_sa(t);
        const auto back = t.net.now() + 10s;
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            const bool answer = sender == End::right && octets.at(18) == create_child_sa;
            const bool farewell = sender == End::left && octets.at(18) == informational;
            return initiator_spi(octets) != old || !(answer || farewell) || t.net.now() >= back;
        };
        t.net.command(End::left, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(10s);
        t.net.command(End::left, ike::Rekey{"vpn", ike_keys});
        t.net.command(End::right, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(3min);
        check_one_ike_sa(t);
        BOOST_TEST(only_ike_sa(t) != old);
    }
}

// covers story-IR13
BOOST_AUTO_TEST_CASE(the_path_is_dead_while_the_ike_sa_is_rekeyed) {
    auto left = left_vpn();
    left.ike.lifetime = 10min;
    auto right = mirrored(left);
    right.start = policy::StartAction::initiate;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        StandingTunnel t(left, right, seed);
        t.net.run_for(30s);
        t.net.traffic = false;
        t.net.cut = true;
        t.net.command(End::left, ike::Rekey{"vpn", ike_keys});
        t.net.after_step = [&] {
            for (const auto* gateway : {&t.net.left, &t.net.right})
                BOOST_TEST(status(*gateway, "vpn").ike_sas.size() <= 2u);
        };
        t.net.run_for(30min);
        t.net.after_step = {};
        t.net.cut = false;
        BOOST_REQUIRE(t.net.run_until([&] { return t.net.up("vpn"); }, 5min));
        t.net.run_for(2min);
        check_one_ike_sa(t);
    }
}

// covers story-IR14
BOOST_AUTO_TEST_CASE(the_new_ike_sa_serves_before_the_old_one_is_deleted) {
    for (const auto end : {End::left, End::right}) {
        StandingTunnel t;
        const auto old = only_ike_sa(t);
        const auto child = t.inbound(End::left);
        t.net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
            return octets.at(18) != informational || initiator_spi(octets) != old;
        };
        t.net.command(End::left, ike::Rekey{"vpn", ike_keys});
        t.net.run_for(100ms);
        t.net.command(end, ike::Rekey{"vpn", child_keys});
        t.net.run_for(1s);
        BOOST_TEST(status(t.net.right, "vpn").ike_sas.size() == 2u);
        BOOST_TEST(child_sas(t.net.left, "vpn").size() == 1u);
        BOOST_TEST((t.inbound(End::left) != child));
        t.net.run_for(5min);
        check_one_ike_sa(t);
    }
}

// covers 7296-2.8-c
BOOST_AUTO_TEST_CASE(the_delete_is_the_last_request_on_the_old_ike_sa) {
    for (const auto end : {End::left, End::right}) {
        StandingTunnel t;
        const auto old = only_ike_sa(t);
        std::vector<std::uint8_t> requests;
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            if (sender == end && initiator_spi(octets) == old && !is_response(octets))
                requests.push_back(octets.at(18));
            return true;
        };
        t.net.command(end, ike::Rekey{"vpn", ike_keys});
        t.net.command(end, ike::Rekey{"vpn", child_keys});
        t.net.run_for(5min);
        BOOST_TEST(requests == (std::vector{create_child_sa, informational}),
                   boost::test_tools::per_element());
        check_one_ike_sa(t);
    }
}

// covers story-IR17
BOOST_AUTO_TEST_CASE(a_rekey_whose_answer_is_lost_waits_for_as_long_as_the_peer_may_ask_again) {
    for (const auto end : {End::left, End::right}) {
        StandingTunnel t;
        const auto left = t.inbound(End::left), right = t.inbound(End::right);
        bool answered = false;
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            // CREATE_CHILD_SA { SA, Ni, KE } -->       lost <-- CREATE_CHILD_SA { SA, Nr, KE }
            answered = answered || (sender == other(end) && is_response(octets));
            return !answered || t.net.cut;
        };
        t.net.command(end, ike::Rekey{"vpn", ike_keys});
        BOOST_REQUIRE(t.net.run_until([&] { return answered; }, 1s));
        t.net.cut = true;
        // A Delete of the old IKE SA would come before the request is repeated.
        t.net.run_for(25s);
        t.net.cut = false;
        t.net.inspect = {};
        t.net.run_for(1min);
        t.check_one_pair();
        BOOST_TEST(ike_sas(t.net.left, "vpn").size() == 1u);
        BOOST_TEST(ike_sas(t.net.right, "vpn").size() == 1u);
        BOOST_TEST((t.inbound(End::left) == left));
        BOOST_TEST((t.inbound(End::right) == right));
        BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 2u);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
