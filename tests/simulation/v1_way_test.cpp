// The way of IKEv1's messages: through NATs (RFC 3947), in parts, and lost.
#include "tests/simulation/random_draw.h"
#include "tests/simulation/v1_connections.h"

#include <algorithm>
#include <array>
#include <format>
#include <span>
#include <string_view>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_way)

namespace {

bool encapsulates(const Gateway& gateway) {
    return std::ranges::all_of(gateway.kernel.installed(), [](const auto& each) {
        return each.second.child.encapsulation.has_value();
    });
}

policy::Connection for_anybody(const policy::Connection& left) {
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    return right;
}

/// By the non-ESP marker; a keepalive goes there too.
bool is_for_nat_port(std::span<const std::uint8_t> octets) {
    constexpr std::array<std::uint8_t, 4> marker{};
    return octets.size() == 1 || std::ranges::equal(octets.first(4), marker);
}

/// How many messages a rekey of the ISAKMP SA sends otherwise than through the ports for NAT.
std::size_t first_port_is_used(TwoGateways& net, End end) {
    std::size_t messages = 0;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        messages += is_for_nat_port(octets) ? 0u : 1u;
        return true;
    };
    const auto old = ike_sas(net.left, "vpn").front().initiator_spi;
    net.command(end, ike::Rekey{"vpn", old_ike_keys});
    net.run_for(1min);
    BOOST_TEST((ike_sas(net.left, "vpn").front().initiator_spi != old));
    net.inspect = nullptr;
    return messages;
}

std::string_view name_of(End end) {
    return end == End::left ? "left" : "right";
}

/// Main mode, and the Delete of the ISAKMP SA that it replaces.
constexpr unsigned phase_one_messages = 7;
constexpr std::uint8_t main_mode = 2, informational = 5;

/// A phase 1 made anew under a tunnel, of which one message is lost.
struct PhaseOneAnew {
    PhaseOneAnew(OldTunnel& tunnel, End end, unsigned lost)
        : t(tunnel),
          old(ike_sas(t.net.left, "vpn").front().initiator_spi),
          child(t.inbound(End::left)) {
        t.net.inspect = [this, lost](End, std::vector<std::uint8_t>& octets) {
            if (++number != lost)
                return true;
            BOOST_TEST(octets[18] == (lost < phase_one_messages ? main_mode : informational));
            return false;
        };
        t.net.after_step = [this] {
            for (const auto* gateway : {&t.net.left, &t.net.right})
                most_sas = std::max(most_sas, status(*gateway, "vpn").ike_sas.size() +
                                                  gateway->endpoint->status().half_open);
        };
        t.net.command(end, ike::Rekey{"vpn", old_ike_keys});
    }
    PhaseOneAnew(const PhaseOneAnew&) = delete;
    PhaseOneAnew& operator=(const PhaseOneAnew&) = delete;
    ~PhaseOneAnew() {
        t.net.inspect = nullptr;
        t.net.after_step = nullptr;
    }
    /// The tunnel has gone on as it was, under the one new SA.
    void check_done() {
        t.check_settled();
        BOOST_TEST(number > phase_one_messages);
        BOOST_TEST(most_sas == 2u);
        BOOST_TEST((t.inbound(End::left) == child));
        for (const auto* gateway : {&t.net.left, &t.net.right}) {
            BOOST_TEST((ike_sas(*gateway, "vpn").front().initiator_spi != old));
            BOOST_TEST(gateway->endpoint->status().half_open == 0u);
            BOOST_TEST(count<ike::ChildSaEstablished>(*gateway) == 1u);
        }
    }

    OldTunnel& t;
    ike::wire::IkeSpi old;
    policy::ChildSpi child;
    unsigned number = 0;
    std::size_t most_sas = 0;
};

} // namespace

// covers 3947-3-a, 3947-3-b, 3947-4-a, 3947-4-b, 3947-4-c, 3947-4-e, 3947-4-f
BOOST_AUTO_TEST_CASE(behind_a_nat_everything_goes_to_the_port_for_it) {
    const auto left = old_left_vpn();
    OldTunnel t(left, for_anybody(left), 1);
    TwoGateways net({{left}}, {{for_anybody(left)}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    const auto sa = ike_sas(net.left, "vpn").front();
    BOOST_TEST(sa.local_behind_nat);
    BOOST_TEST(!sa.remote_behind_nat);
    BOOST_TEST(sa.path.local.port == 4500u);
    BOOST_TEST(sa.path.remote.port == 4500u);
    BOOST_TEST(ike_sas(net.right, "vpn").front().path.remote.to_string() == "203.0.113.7[14500]");
    BOOST_TEST((encapsulates(net.left) && encapsulates(net.right)));
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
    // Without a NAT nothing of the kind.
    BOOST_TEST(!encapsulates(t.net.left));
}

// covers 3947-4-g
BOOST_AUTO_TEST_CASE(either_side_makes_phase_one_anew_at_the_port_for_nat) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.peer_address = address("203.0.113.7");
    for (const auto end : {End::left, End::right}) {
        BOOST_TEST_CONTEXT((end == End::left ? "left" : "right")) {
            TwoGateways net({{left}}, {{right}});
            net.nat_address = address("203.0.113.7");
            BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
            net.run_for(5s);
            const auto old = ike_sas(net.left, "vpn").front().initiator_spi;
            net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
                BOOST_TEST(is_for_nat_port(octets));
                return true;
            };
            // With the NAT's port of the old one; at port 500 the NAT has no mapping for it.
            net.command(end, ike::Rekey{"vpn", old_ike_keys});
            net.run_for(1min);
            for (const auto* gateway : {&net.left, &net.right}) {
                BOOST_REQUIRE(ike_sas(*gateway, "vpn").size() == 1u);
                BOOST_TEST((ike_sas(*gateway, "vpn").front().initiator_spi != old));
            }
            const auto sa = ike_sas(net.right, "vpn").front();
            BOOST_TEST(sa.path.remote.to_string() == "203.0.113.7[14500]");
            BOOST_TEST(sa.remote_behind_nat);
            BOOST_TEST(ike_sas(net.left, "vpn").front().local_behind_nat);
            BOOST_TEST(net.children() == 2u);
            for (const auto& each : net.disagreements())
                BOOST_ERROR(each);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_peer_learns_from_the_new_address_that_the_old_one_is_over) {
    auto left = old_left_vpn();
    left.start = policy::StartAction::initiate;
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    right.start = policy::StartAction::respond;
    // Nothing else tells it that the old one is over.
    right.unique = policy::Uniqueness::never;
    right.dpd.interval = 0s;
    OldTunnel t(left, right);
    t.net.traffic = false;
    t.net.gone_address = left.local_address;
    left.local_address = address("10.10.10.9");
    t.net.command(End::left, ike::Reconfigure{{{left}}});
    const auto leads_there = [&] {
        const auto* const sending = t.net.right.kernel.outbound(right.local_selectors.front(),
                                                                right.remote_selectors.front());
        return sending && sending->child.remote_address == left.local_address;
    };
    BOOST_TEST(t.net.run_until(leads_there, 5s));
    BOOST_TEST(t.net.run_until([&] { return ike_sas(t.net.right, "vpn").size() == 1u; }, 20s));
    t.net.run_for(2min);
    t.check_settled();
}

BOOST_AUTO_TEST_CASE(edited_ports_count_for_more_than_the_way_of_the_old_one) {
    auto left = old_left_vpn();
    left.nat_traversal.force = true;
    auto right = mirrored(left);
    right.peer_ports.ike = 1500;
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(5s);
    net.command(End::right, ike::Reconfigure{{{right}}});
    net.run_for(10min);
    BOOST_TEST(std::ranges::any_of(net.right.reports, [](const auto& each) {
        const auto* failed = std::get_if<ike::NegotiationFailed>(&each);
        return failed && failed->path.remote.port == 1500u;
    }));
    // The next one is where the edit says, and those after it where that one went.
    net.command(End::right, ike::Reconfigure{{{mirrored(left)}}});
    const auto old = ike_sas(net.left, "vpn").front().initiator_spi;
    BOOST_REQUIRE(net.run_until(
        [&] {
            const auto sas = ike_sas(net.left, "vpn");
            return sas.size() == 1 && sas.front().initiator_spi != old;
        },
        10min));
    BOOST_TEST(first_port_is_used(net, End::right) == 0u);
}

BOOST_AUTO_TEST_CASE(attempts_that_failed_before_do_not_change_where_a_new_one_begins) {
    auto left = old_left_vpn();
    left.nat_traversal.force = true;
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.cut = true;
    net.run_for(6min);
    BOOST_TEST(status(net.left, "vpn").attempts > 0u);
    net.cut = false;
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5min));
    net.run_for(5s);
    BOOST_TEST(first_port_is_used(net, End::left) == 0u);
}

BOOST_AUTO_TEST_CASE(a_way_that_leads_nowhere_is_tried_in_turn_with_the_first_one) {
    auto left = old_left_vpn();
    left.nat_traversal.force = true;
    // Nobody finds out that the old one is cut off.
    left.dpd.interval = 0s;
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(5s);
    std::size_t first_messages = 0;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        const bool floated = is_for_nat_port(octets);
        first_messages += floated ? 0u : 1u;
        return !floated;
    };
    net.command(End::left, ike::Rekey{"vpn", old_ike_keys});
    net.run_for(10min);
    BOOST_TEST(first_messages > 0u);
}

BOOST_AUTO_TEST_CASE(encapsulation_is_forced_by_either_side) {
    for (const auto end : {End::left, End::right}) {
        auto left = old_left_vpn();
        auto right = mirrored(left);
        (end == End::left ? left : right).nat_traversal.force = true;
        TwoGateways net({{left}}, {{right}});
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        BOOST_TEST((encapsulates(net.left) && encapsulates(net.right)));
        BOOST_TEST(net.disagreements().empty());
    }
}

// covers 3947-3-c
BOOST_AUTO_TEST_CASE(a_peer_whose_mapping_changes_is_followed) {
    auto left = old_left_vpn();
    left.dpd.interval = 10s;
    TwoGateways net({{left}}, {{for_anybody(left)}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(5s);
    net.nat_port_offset = 20000;
    net.run_for(1min);
    BOOST_TEST(ike_sas(net.right, "vpn").front().path.remote.port == 24500u);
    BOOST_TEST(count<ike::PeerMoved>(net.right) == 1u);
    BOOST_TEST(net.right.kernel.installed().begin()->second.child.encapsulation->remote_port ==
               24500u);
}

BOOST_AUTO_TEST_CASE(long_messages_go_in_parts_and_come_together) {
    auto left = old_left_vpn();
    left.ike.fragmentation.size = 576;
    left.ike.proposals = ike_proposals({"aes256-sha256-modp8192"});
    const auto right = mirrored(left);
    TwoGateways net({{left}}, {{right}});
    net.faults = {.duplication = 0.3, .shortest = 1ms, .longest = 50ms};
    std::size_t longest = 0, parts = 0;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        longest = std::max(longest, octets.size());
        parts += octets.size() > 16 && octets[16] == 132 ? 1u : 0u;
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    // 20 octets of IP and 8 of UDP around each.
    BOOST_TEST(longest <= 548u);
    BOOST_TEST(parts >= 6u);
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_takes_no_parts_gets_none) {
    auto left = old_left_vpn();
    left.ike.fragmentation.size = 576;
    left.ike.proposals = ike_proposals({"aes256-sha256-modp8192"});
    auto right = mirrored(left);
    right.ike.fragmentation.enabled = false;
    TwoGateways net({{left}}, {{right}});
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        BOOST_TEST(octets[16] != 132);
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
}

// covers 2408-5.1-d
BOOST_AUTO_TEST_CASE(any_single_message_may_be_lost) {
    for (unsigned lost = 1; lost <= 9; ++lost) {
        BOOST_TEST_CONTEXT("message " << lost) {
            const auto left = old_left_vpn();
            TwoGateways net({{left}}, {{mirrored(left)}});
            unsigned number = 0;
            net.inspect = [&](End, std::vector<std::uint8_t>&) { return ++number != lost; };
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10s));
            net.run_for(1min);
            BOOST_TEST(net.children() == 2u);
            BOOST_TEST(net.disagreements().empty());
            BOOST_TEST(count<ike::IkeSaEstablished>(net.left) == 1u);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_message_may_come_twice) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.faults.duplication = 1;
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(1min);
    BOOST_TEST(net.children() == 2u);
    BOOST_TEST(net.disagreements().empty());
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

BOOST_AUTO_TEST_CASE(any_single_message_of_a_rekey_may_be_lost) {
    for (unsigned lost = 1; lost <= 4; ++lost) {
        BOOST_TEST_CONTEXT("message " << lost) {
            OldTunnel t;
            unsigned number = 0;
            t.net.inspect = [&](End, std::vector<std::uint8_t>&) { return ++number != lost; };
            t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
            // The fourth is the Delete, which nobody confirms: the peer ends the old child itself.
            t.net.run_for(90s);
            t.check_settled();
        }
    }
}

// covers 2408-5.1-d
BOOST_AUTO_TEST_CASE(any_single_message_of_a_new_phase_one_may_be_lost) {
    for (const auto end : {End::left, End::right})
        for (unsigned lost = 1; lost <= phase_one_messages; ++lost)
            BOOST_TEST_CONTEXT("message " << lost << " of " << name_of(end)) {
                OldTunnel t;
                PhaseOneAnew anew(t, end, lost);
                t.net.run_for(90s);
                anew.check_done();
            }
}

// Longer than it takes until a child counts as confirmed, and a half-open SA as forgotten.
BOOST_AUTO_TEST_CASE(waits_of_more_than_half_a_minute_between_repetitions_lose_nothing) {
    auto left = old_left_vpn();
    left.ike.first_contact =
        left.ike.retransmission = {.first = 35s, .factor = 1.5, .longest = 80s, .attempts = 5};
    for (unsigned lost = 1; lost <= 9; ++lost) {
        BOOST_TEST_CONTEXT("message " << lost) {
            TwoGateways net({{left}}, {{mirrored(left)}});
            unsigned number = 0;
            net.inspect = [&](End, std::vector<std::uint8_t>&) { return ++number != lost; };
            // Of a phase 1 that the responder has forgotten the attempts go on to their end.
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10min));
            net.run_for(5min);
            BOOST_TEST(net.children() == 2u);
            BOOST_TEST(net.disagreements().empty());
        }
    }
    for (unsigned lost = 1; lost <= 4; ++lost) {
        BOOST_TEST_CONTEXT("message " << lost << " of a rekey") {
            OldTunnel t(left);
            unsigned number = 0;
            // The third message twice, so that the responder's repetition of the second comes late.
            t.net.inspect = [&](End, std::vector<std::uint8_t>&) {
                ++number;
                return number != lost && !(lost == 3 && number == 5);
            };
            t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
            t.net.run_for(6min);
            t.check_settled();
        }
    }
    for (const auto end : {End::left, End::right})
        for (unsigned lost = 1; lost <= phase_one_messages; ++lost)
            BOOST_TEST_CONTEXT("message " << lost << " of a phase 1 of " << name_of(end)) {
                OldTunnel t(left);
                PhaseOneAnew anew(t, end, lost);
                t.net.run_for(15min);
                anew.check_done();
            }
}

// covers 2408-5.1-e
BOOST_AUTO_TEST_CASE(a_peer_that_never_answers_is_tried_for_ever) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.cut = true;
    net.run_for(24h);
    BOOST_TEST(count<ike::NegotiationFailed>(net.left) > 100u);
    BOOST_TEST(failure_of<ike::cause::NoResponse>(net.left).has_value());
    net.cut = false;
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 2min));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
