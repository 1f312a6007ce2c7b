// Whole lives of an IKEv1 tunnel drawn at random, with the invariants of IKEv2's as far as IKEv1
// allows (docs/decisions/ikev1-says-less.md).
#include "tests/simulation/random_draw.h"
#include "tests/simulation/v1_connections.h"

#include <format>
#include <string>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_random_life)

namespace {

using std::chrono::milliseconds;

/// Of one end: the shorter one counts for both, the margins do not.
void draw_lifetimes(policy::Connection& connection, Draw& draw) {
    connection.esp.lifetime = std::chrono::seconds(150 + draw.below(200));
    connection.esp.rekey.margin = std::chrono::seconds(60);
    connection.ike.lifetime = std::chrono::seconds(200 + draw.below(400));
    connection.ike.rekey.margin = std::chrono::seconds(80);
    connection.dpd.interval = std::chrono::seconds(5 + draw.below(30));
}

struct Life {
    explicit Life(std::uint64_t run) : seed(run), draw{run} {}

    std::uint64_t seed;
    Draw draw;
    std::vector<std::string> wrong;
    std::size_t pairs = 1;
    bool both_begin = false;
    bool behind_nat = false;

    TwoGateways make() {
        auto left = old_left_vpn();
        if (draw.below(3) == 0)
            left.remote_selectors = subnets({"192.168.30.0/24", "192.168.40.0/24"});
        if (draw.below(4) != 0)
            left.esp.proposals = esp_proposals({"aes256gcm16"});
        left.aggressive = draw.below(5) == 0;
        pairs = left.remote_selectors.size();
        auto right = mirrored(left);
        draw_lifetimes(left, draw);
        draw_lifetimes(right, draw);
        both_begin = draw.below(3) == 0;
        behind_nat = draw.below(4) == 0;
        if (behind_nat) {
            right.peer_address = policy::AnyPeer{};
            both_begin = false;
        }
        right.start = both_begin ? policy::StartAction::initiate : policy::StartAction::respond;
        return TwoGateways({{left}}, {{right}}, seed);
    }

    LinkFaults bad_link(double most, std::uint64_t slowest) {
        return {.loss = most * draw.fraction(),
                .duplication = most * draw.fraction(),
                .shortest = milliseconds(draw.below(20)),
                .longest = milliseconds(20 + draw.below(slowest))};
    }

    void disturb(TwoGateways& net) {
        const auto end = draw.below(2) == 0 ? End::left : End::right;
        switch (draw.below(8)) {
        case 0: net.command(End::left, ike::Initiate{"vpn", {}}); break;
        case 1: net.command(end, ike::Terminate{"vpn"}); break;
        case 2: net.at(end).restart(); break;
        case 3: net.at(end).kernel.refusals = 1; break;
        case 4: net.command(end, ike::Rekey{"vpn", old_ike_keys}); break;
        case 5: net.command(end, ike::Rekey{"vpn", old_child_keys}); break;
        case 6:
            net.command(End::left, ike::Rekey{"vpn", old_child_keys});
            net.command(End::right, ike::Rekey{"vpn", old_ike_keys});
            break;
        default: net.cut = !net.cut; break;
        }
    }

    bool settled(TwoGateways& net) const {
        return net.up("vpn") && net.children() == 2 * pairs && net.disagreements().empty() &&
               ike_sas(net.left, "vpn").size() == 1 && ike_sas(net.right, "vpn").size() == 1;
    }

    void complain(const TwoGateways& net, std::string_view when) {
        for (auto& each : net.disagreements())
            wrong.push_back(std::format("{}: {}", when, each));
        wrong.push_back(std::format(
            "{}: {} children, phase 1 {} and {}, left {}, right {}", when, net.children(),
            ike_sas(net.left, "vpn").size(), ike_sas(net.right, "vpn").size(),
            to_string(status(net.left, "vpn").state), to_string(status(net.right, "vpn").state)));
    }

    static std::size_t times_unreachable(const TwoGateways& net) {
        std::size_t n = 0;
        for (const auto* gateway : {&net.left, &net.right})
            for (const auto& each : gateway->reports) {
                const auto* closed = std::get_if<ike::IkeSaClosed>(&each);
                const auto* again = std::get_if<ike::Retransmitted>(&each);
                const bool dead =
                    closed && std::holds_alternative<ike::cause::PeerDead>(closed->why);
                n += dead || (again && again->attempt >= 4) ? 1u : 0u;
            }
        return n;
    }

    void live_in_peace(TwoGateways& net, std::string_view when, Duration duration) {
        net.lost_packets.clear();
        net.traffic = true;
        const auto before = times_unreachable(net);
        net.run_for(duration);
        net.traffic = false;
        if (!net.lost_packets.empty() && times_unreachable(net) == before)
            wrong.push_back(std::format("{}: {} packets lost, first {}", when,
                                        net.lost_packets.size(), net.lost_packets.front()));
        if (net.left.kernel_children() > 6 * pairs || net.right.kernel_children() > 6 * pairs)
            wrong.push_back(std::format("{}: child SAs pile up", when));
    }

    void run() {
        auto net = make();
        if (behind_nat)
            net.nat_address = address("203.0.113.7");
        if (!net.run_until([&] { return settled(net); }, 5min))
            complain(net, "at first");
        live_in_peace(net, "before", 5min);
        net.faults = bad_link(0.05, 500);
        live_in_peace(net, "with little loss", 5min);
        net.faults = bad_link(0.3, 3000);
        const auto rounds = draw.below(6);
        for (std::uint64_t i = 0; i < rounds; ++i) {
            net.run_for(milliseconds(draw.below(60000)));
            disturb(net);
        }
        net.cut = false;
        net.faults = {};
        net.left.kernel.refusals = net.right.kernel.refusals = 0;
        net.command(End::left, ike::Initiate{"vpn", {}});
        if (both_begin)
            net.command(End::right, ike::Initiate{"vpn", {}});
        if (!net.run_until([&] { return settled(net); }, 20min))
            complain(net, "afterwards");
        // Until what a peer forgot, or was not told of, has ended in its own time.
        net.run_for(6min);
        if (!net.run_until([&] { return settled(net); }, 5min))
            complain(net, "in the end");
        live_in_peace(net, "after", 2min);
        net.command(End::left, ike::Shutdown{});
        net.command(End::right, ike::Shutdown{});
        net.run_for(1min);
        if (net.left.kernel_children() + net.right.kernel_children() != 0)
            wrong.push_back("a child SA is left in a kernel");
        for (const auto* gateway : {&net.left, &net.right})
            for (const auto& each : gateway->endpoint->status().connections)
                if (!each.ike_sas.empty())
                    wrong.push_back(gateway->name + ": an ISAKMP SA is left");
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(whatever_happens_both_ends_hold_the_same_and_traffic_finds_its_way) {
    for (const auto seed : seeds(200)) {
        Life life(seed);
        life.run();
        for (const auto& each : life.wrong)
            BOOST_ERROR(std::format("seed {}: {} (replay: VIADUCT_SEED={} …)", seed, each, seed));
    }
}

/// Lives in which both ends rekey a child at the same moment and the successor that the peer made
/// goes before what it replaced: that one lives on as long as it was to live, and is rekeyed in
/// time.
BOOST_AUTO_TEST_CASE(a_child_that_outlives_its_successor_keeps_its_lifetime) {
    for (const auto seed : {634U, 1472U}) {
        Life life(seed);
        life.run();
        BOOST_TEST(life.wrong.empty(),
                   std::format("seed {}: {}", seed, life.wrong.empty() ? "" : life.wrong.front()));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
