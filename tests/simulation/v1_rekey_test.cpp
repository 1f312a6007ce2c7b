// Both phases of IKEv1 made anew: by either side, by both at once, by time; traffic runs all the
// time and none is lost.
#include "tests/simulation/v1_connections.h"

#include <cstdint>
#include <set>
#include <vector>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_rekey)

namespace {

bool is_informational(const std::vector<std::uint8_t>& octets) {
    constexpr std::size_t exchange_at = 18;
    return octets.size() > exchange_at && octets[exchange_at] == 5;
}

} // namespace

// covers 2409-4-d
BOOST_AUTO_TEST_CASE(either_side_may_rekey_a_child) {
    for (const auto end : {End::left, End::right}) {
        OldTunnel t;
        const auto old = t.inbound(End::left);
        // QUICK_MODE { HASH, SA, NONCE, KE, ID, ID } -->
        //                            <-- QUICK_MODE { HASH, SA, NONCE, KE, ID, ID }
        // QUICK_MODE { HASH } -->
        // INFORMATIONAL_V1 { HASH, D } -->
        t.net.command(end, ike::Rekey{"vpn", old_child_keys});
        t.net.run_for(30s);
        t.check_settled();
        BOOST_TEST((t.inbound(End::left) != old));
    }
}

// The responder's traffic shows that it has the third message.
BOOST_AUTO_TEST_CASE(traffic_moves_when_the_peer_shows_that_it_has_the_child) {
    OldTunnel t;
    const auto before = t.net.left.kernel.installed().begin()->first;
    t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
    t.net.run_for(15ms);
    t.net.hold(End::left);
    t.net.run_for(5s);
    // The third message is kept back: the old child carries everything.
    BOOST_TEST(t.net.left.kernel.installed().at(before).outbound);
    BOOST_TEST(t.net.left.kernel_children() == 2u);
    t.net.release(End::left);
    t.net.run_for(30s);
    t.check_settled();
}

BOOST_AUTO_TEST_CASE(without_traffic_time_tells_it) {
    OldTunnel t;
    t.net.traffic = false;
    const auto old = t.inbound(End::left);
    t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
    t.net.run_for(1min);
    t.check_settled();
    BOOST_TEST((t.inbound(End::left) != old));
}

BOOST_AUTO_TEST_CASE(time_rekeys_children_for_ever) {
    auto left = old_left_vpn();
    left.esp.lifetime = 120s;
    left.esp.rekey.margin = 30s;
    OldTunnel t(left);
    t.net.run_for(2h);
    t.net.traffic = false;
    BOOST_TEST(t.net.lost_packets.empty());
    BOOST_TEST(t.net.left.kernel_children() <= 3u);
    BOOST_TEST(t.net.right.kernel_children() <= 3u);
    BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) > 60u);
    BOOST_TEST(count<ike::NegotiationFailed>(t.net.left) == 0u);
    BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 1u);
}

BOOST_AUTO_TEST_CASE(both_at_the_same_moment_leave_one_child) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            OldTunnel t(old_left_vpn(), seed);
            t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
            t.net.command(End::right, ike::Rekey{"vpn", old_child_keys});
            t.net.run_for(3min);
            t.check_settled();
        }
    }
}

BOOST_AUTO_TEST_CASE(both_at_once_with_one_first_message_late) {
    for (const auto late : {End::left, End::right})
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            BOOST_TEST_CONTEXT("seed " << seed) {
                OldTunnel t(old_left_vpn(), seed);
                t.net.hold(late);
                t.net.command(late, ike::Rekey{"vpn", old_child_keys});
                t.net.command(other(late), ike::Rekey{"vpn", old_child_keys});
                t.net.run_for(500ms);
                t.net.release(late);
                t.net.run_for(3min);
                t.check_settled();
            }
        }
}

// covers 2408-5.15-a
BOOST_AUTO_TEST_CASE(a_delete_that_was_lost_is_said_again) {
    for (const std::size_t lost : {0U, 1U, 2U}) {
        OldTunnel t;
        std::set<std::vector<std::uint8_t>> said;
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            if (sender != End::left || !is_informational(octets))
                return true;
            said.insert(octets);
            return said.size() > lost;
        };
        const auto old = t.net.right.kernel.installed().begin()->first;
        t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
        // Long before the peer would do it itself.
        const auto has_no_old = [&] { return !t.net.right.kernel.installed().contains(old); };
        BOOST_TEST(t.net.run_until(has_no_old, 20s));
        t.net.run_for(20s);
        // Each under a message ID of its own; then there is silence.
        BOOST_TEST(said.size() == 3u);
        t.check_settled();
    }
}

BOOST_AUTO_TEST_CASE(a_farewell_says_again_what_was_deleted_just_before) {
    OldTunnel t;
    std::size_t informationals = 0;
    t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        return sender != End::left || !is_informational(octets) || ++informationals > 1;
    };
    const auto old = t.net.right.kernel.installed().begin()->first;
    t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
    BOOST_REQUIRE(t.net.run_until([&] { return informationals == 1; }, 10s));
    BOOST_REQUIRE(t.net.right.kernel.installed().contains(old));
    t.net.traffic = false;
    t.net.command(End::left, ike::Terminate{"vpn"});
    t.net.run_for(10s);
    BOOST_TEST(t.net.right.kernel.installed().empty());
}

// Whichever of both children the peer takes for the newest, it may send by it until it gives up
// waiting for our Delete.
BOOST_AUTO_TEST_CASE(both_at_the_same_moment_lose_nothing_when_no_delete_arrives) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            OldTunnel t(old_left_vpn(), seed);
            t.net.faults = {.shortest = 10ms, .longest = 600ms};
            t.net.inspect = [](End, std::vector<std::uint8_t>& octets) {
                return !is_informational(octets);
            };
            t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
            t.net.command(End::right, ike::Rekey{"vpn", old_child_keys});
            t.net.run_for(3min);
            t.net.inspect = nullptr;
            t.net.run_for(3min);
            t.check_settled();
        }
    }
}

// covers 2408-2.5.3-d
BOOST_AUTO_TEST_CASE(either_side_may_make_phase_one_anew_and_keeps_the_children) {
    for (const auto end : {End::left, End::right}) {
        OldTunnel t;
        const auto child = t.inbound(End::left);
        const auto ike = ike_sas(t.net.left, "vpn").front().initiator_spi;
        t.net.command(end, ike::Rekey{"vpn", old_ike_keys});
        t.net.run_for(1min);
        t.check_settled();
        BOOST_TEST((t.inbound(End::left) == child));
        BOOST_TEST((ike_sas(t.net.left, "vpn").front().initiator_spi != ike));
        BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) == 1u);
        // And under the new one children are rekeyed as before.
        t.net.command(End::right, ike::Rekey{"vpn", old_child_keys});
        t.net.run_for(1min);
        t.check_settled();
        BOOST_TEST((t.inbound(End::left) != child));
    }
}

// A new phase 1 is how IKEv1 makes its keys anew: that is no further SA to refuse.
BOOST_AUTO_TEST_CASE(a_peer_that_keeps_what_stands_lets_phase_one_be_made_anew) {
    auto left = old_left_vpn();
    left.unique = policy::Uniqueness::keep;
    for (const bool aggressive : {false, true})
        for (const auto end : {End::left, End::right}) {
            left.aggressive = aggressive;
            OldTunnel t(left);
            const auto ike = ike_sas(t.net.left, "vpn").front().initiator_spi;
            t.net.command(end, ike::Rekey{"vpn", old_ike_keys});
            t.net.run_for(1min);
            t.check_settled();
            BOOST_TEST((ike_sas(t.net.left, "vpn").front().initiator_spi != ike));
            BOOST_TEST(count<ike::NegotiationFailed>(t.net.at(other(end))) == 0u);
            // Nor is INITIAL-CONTACT, which says that the peer has lost what stood.
            t.net.traffic = false;
            t.net.left.restart();
            BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 2s));
            t.net.run_for(1min);
            t.check_settled();
        }
}

BOOST_AUTO_TEST_CASE(both_make_phase_one_anew_at_the_same_moment) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            OldTunnel t(old_left_vpn(), seed);
            t.net.command(End::left, ike::Rekey{"vpn", old_ike_keys});
            t.net.command(End::right, ike::Rekey{"vpn", old_ike_keys});
            t.net.run_for(3min);
            t.check_settled();
            BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) == 1u);
        }
    }
}

BOOST_AUTO_TEST_CASE(one_rekeys_the_child_and_the_other_phase_one) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            OldTunnel t(old_left_vpn(), seed);
            t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
            t.net.command(End::right, ike::Rekey{"vpn", old_ike_keys});
            t.net.run_for(3min);
            t.check_settled();
        }
    }
}

// What it replaces has gone to the new phase 1 before: of both the successor stays, whatever their
// nonces say.
BOOST_AUTO_TEST_CASE(a_child_is_rekeyed_while_it_moves_to_a_new_phase_one) {
    for (const auto end : {End::left, End::right})
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            BOOST_TEST_CONTEXT("seed " << seed) {
                OldTunnel t(old_left_vpn(), seed);
                const auto old = t.inbound(End::left);
                t.net.command(End::left, ike::Rekey{"vpn", old_ike_keys});
                // IDENTITY_PROTECTION { ID, HASH } --> is under way.
                t.net.run_for(45ms);
                t.net.command(end, ike::Rekey{"vpn", old_child_keys});
                t.net.hold(End::right);
                t.net.run_for(1s);
                // <-- IDENTITY_PROTECTION { ID, HASH }, then the quick mode
                t.net.release(End::right);
                t.net.run_for(1min);
                t.check_settled();
                BOOST_TEST((t.inbound(End::left) != old));
                BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) == 2u);
            }
        }
}

BOOST_AUTO_TEST_CASE(time_makes_both_phases_anew_for_ever) {
    auto left = old_left_vpn();
    left.esp.lifetime = 200s;
    left.esp.rekey.margin = 40s;
    left.ike.lifetime = 300s;
    left.ike.rekey.margin = 60s;
    OldTunnel t(left);
    t.net.run_for(3h);
    BOOST_TEST(t.net.lost_packets.empty());
    BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) > 30u);
    BOOST_TEST(ike_sas(t.net.left, "vpn").size() <= 2u);
    BOOST_TEST(ike_sas(t.net.right, "vpn").size() <= 2u);
    BOOST_TEST(t.net.left.kernel_children() <= 3u);
}

BOOST_AUTO_TEST_CASE(both_begin_at_once_and_one_of_everything_is_left) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            auto left = old_left_vpn();
            auto right = mirrored(left);
            right.start = policy::StartAction::initiate;
            TwoGateways net({{left}}, {{right}}, seed);
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10s));
            net.run_for(3min);
            BOOST_TEST(ike_sas(net.left, "vpn").size() == 1u);
            BOOST_TEST(ike_sas(net.right, "vpn").size() == 1u);
            BOOST_TEST(net.left.kernel_children() == 1u);
            BOOST_TEST(net.right.kernel_children() == 1u);
            for (const auto& each : net.disagreements())
                BOOST_ERROR(each);
        }
    }
}

// Whoever only answers cannot begin, and does not have to.
BOOST_AUTO_TEST_CASE(a_responder_that_does_not_know_the_address_leaves_it_to_the_peer) {
    auto left = old_left_vpn();
    left.ike.lifetime = 300s;
    left.ike.rekey.margin = 60s;
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    OldTunnel t(left, right);
    t.net.run_for(1h);
    BOOST_TEST(t.net.lost_packets.empty());
    BOOST_TEST(count<ike::NegotiationFailed>(t.net.right) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
