// Whole lives of a tunnel drawn at random: short lifetimes on both ends, a bad link, peers that
// restart and forget, operators that interfere. What must hold is checked at every step, and again
// when the link has healed.
#include "tests/simulation/connections.h"
#include "tests/simulation/random_draw.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <format>
#include <iterator>
#include <optional>
#include <string>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(random_life)

namespace {

using std::chrono::milliseconds;

/// Of one end. Clocks differ: so do the lifetimes that both ends count for themselves.
void draw_lifetimes(policy::Connection& connection, Draw& draw) {
    // The margin leaves time for a few round trips of the slowest link.
    connection.esp.lifetime = std::chrono::seconds(70 + draw.below(130));
    connection.esp.rekey.margin = std::chrono::seconds(40);
    connection.ike.lifetime = std::chrono::seconds(120 + draw.below(300));
    connection.ike.rekey.margin = std::chrono::seconds(45);
    connection.dpd.interval = std::chrono::seconds(5 + draw.below(30));
    connection.esp.rekey.jitter = static_cast<unsigned>(draw.below(101));
    if (draw.below(4) == 0)
        connection.ike.reauthentication = std::chrono::seconds(200 + draw.below(200));
}

struct Life {
    explicit Life(std::uint64_t run) : seed(run), draw{run} {}

    std::uint64_t seed;
    Draw draw;
    std::vector<std::string> wrong;

    TwoGateways make() {
        auto left = left_vpn();
        if (draw.below(3) == 0)
            left.children = policy::ChildrenShape::per_pair;
        if (draw.below(4) != 0)
            left.esp.proposals = esp_proposals({"aes256gcm16"});
        auto right = mirrored(left);
        draw_lifetimes(left, draw);
        draw_lifetimes(right, draw);
        if (draw.below(3) == 0)
            right.start = policy::StartAction::initiate;
        behind_nat = draw.below(4) == 0;
        if (behind_nat) {
            right.peer_address = policy::AnyPeer{};
            right.start = policy::StartAction::respond;
        }
        if (draw.below(4) == 0) {
            left.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-x25519-ecp256"});
            right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp256"});
        }
        draw_habits(left, right);
        per_pair = left.children == policy::ChildrenShape::per_pair;
        both_begin = right.start == policy::StartAction::initiate;
        ike::EndpointSettings settings;
        if (draw.below(4) == 0)
            settings.cookie_threshold = 0;
        return TwoGateways({{left}}, {{right}}, seed, settings);
    }

    /// Half of all gateways have one that is up to two percent too fast or too slow.
    Clock draw_clock() {
        if (draw.below(2) == 0)
            return {};
        return {.fast = 20'000 - static_cast<std::int64_t>(draw.below(40'001)),
                .ahead = std::chrono::seconds(draw.below(100'000))};
    }

    void draw_habits(policy::Connection& left, policy::Connection& right) {
        if (draw.below(4) == 0)
            left.ike.fragmentation.size = static_cast<std::uint16_t>(250 + draw.below(400));
        if (draw.below(4) == 0)
            right.ike.fragmentation.size = static_cast<std::uint16_t>(250 + draw.below(400));
        if (draw.below(6) == 0)
            left.ike.childless = right.ike.childless = policy::ChildlessUse::force;
        if (draw.below(6) == 0)
            left.nat_traversal.force = true;
        if (draw.below(8) == 0) {
            left.unique = right.unique = policy::Uniqueness::keep;
            // What keeps the older SA refuses a peer that authenticates anew.
            left.ike.reauthentication = right.ike.reauthentication = 0s;
        }
    }

    LinkFaults bad_link(double most) {
        return {.loss = most * draw.fraction(),
                .duplication = most * draw.fraction(),
                .shortest = milliseconds(draw.below(20)),
                .longest = milliseconds(20 + draw.below(3000))};
    }

    /// Whether traffic may find its way closed after it.
    enum class Harm : std::uint8_t { none, possible };
    Harm disturb(TwoGateways& net) {
        const auto end = draw.below(2) == 0 ? End::left : End::right;
        switch (draw.below(12)) {
        case 0: net.command(End::left, ike::Initiate{"vpn", {}}); return Harm::none;
        case 1: net.command(end, ike::Terminate{"vpn"}); return Harm::possible;
        case 2: net.at(end).restart(); return Harm::possible;
        case 3: net.at(end).kernel.refusals = 1; return Harm::possible;
        case 4: net.command(end, ike::Rekey{"vpn", ike::Rekey::What::ike_sas}); return Harm::none;
        case 5: net.command(end, ike::Rekey{"vpn", ike::Rekey::What::child_sas}); return Harm::none;
        case 6:
            net.command(End::left, ike::Rekey{"vpn", ike::Rekey::What::child_sas});
            net.command(End::right, ike::Rekey{"vpn", ike::Rekey::What::ike_sas});
            return Harm::none;
        case 7:
            // The NAT in front of `left`, if there is one, forgets its mappings.
            net.nat_port_offset = static_cast<std::uint16_t>(10000 + 1000 * draw.below(20));
            return Harm::possible;
        case 8:
            if (const auto spi = any_inbound_spi(net.at(end)))
                net.kernel_event(end, ike::SoftExpired{*spi});
            return Harm::none;
        case 9:
            if (const auto spi = any_inbound_spi(net.at(end)))
                net.kernel_event(end, ike::HardExpired{*spi});
            return Harm::possible;
        case 10: reconfigure(net, end); return Harm::possible;
        default: net.cut = !net.cut; return Harm::possible;
        }
    }

    std::optional<policy::ChildSpi> any_inbound_spi(const Gateway& gateway) {
        const auto& installed = gateway.kernel.installed();
        if (installed.empty())
            return std::nullopt;
        const auto nth = static_cast<std::ptrdiff_t>(draw.below(installed.size()));
        return std::next(installed.begin(), nth)->second.child.inbound_spi;
    }

    static void reconfigure(TwoGateways& net, End end) {
        auto& connections = net.at(end).connections;
        connections.connections.front().esp.lifetime += 1s;
        net.command(end, ike::Reconfigure{connections});
    }

    std::size_t pairs() const { return per_pair ? 2 : 1; }

    bool settled(TwoGateways& net) const {
        return net.up("vpn") && net.children() == 2 * pairs() && net.disagreements().empty() &&
               ike_sas(net.left, "vpn").size() == 1 && ike_sas(net.right, "vpn").size() == 1;
    }

    void complain(const TwoGateways& net, std::string_view when) {
        for (auto& each : net.disagreements())
            wrong.push_back(std::format("{}: {}", when, each));
        wrong.push_back(std::format(
            "{}: {} children, IKE SAs {} and {}, left {}, right {}", when, net.children(),
            ike_sas(net.left, "vpn").size(), ike_sas(net.right, "vpn").size(),
            to_string(status(net.left, "vpn").state), to_string(status(net.right, "vpn").state)));
    }

    /// A good or middling link, nobody interferes: traffic never finds its way closed.
    void live_in_peace(TwoGateways& net, std::string_view when, Duration duration) {
        net.lost_packets.clear();
        const auto before = times_unreachable(net);
        net.run_for(duration);
        check_traffic(net, when, before);
        if (!net.run_until([&] { return settled(net); }, 3min))
            complain(net, when);
    }

    /// Others interfere: what does no harm by itself must not do so together with a bad link, nor
    /// after harm that has healed.
    void live_in_trouble(TwoGateways& net) {
        net.lost_packets.clear();
        auto before = times_unreachable(net);
        std::optional<TimePoint> harmed;
        const auto rounds = draw.below(7);
        for (std::uint64_t i = 0; i < rounds; ++i) {
            const bool ails = is_ailing(net);
            net.run_for(milliseconds(draw.below(60000)));
            if (!harmed)
                check_traffic(net, "in trouble", before);
            if (ails || times_unreachable(net) != before)
                harmed = net.now();
            if (harmed && net.now() - *harmed > news_time && settled(net))
                harmed.reset();
            net.lost_packets.clear();
            before = times_unreachable(net);
            if (disturb(net) == Harm::possible)
                harmed = net.now();
        }
    }

    /// Until the other end has heard of it too.
    static constexpr auto news_time = 30s;

    static bool is_ailing(const TwoGateways& net) {
        return net.cut || net.left.kernel.refusals + net.right.kernel.refusals != 0;
    }

    void check_traffic(const TwoGateways& net, std::string_view when, std::size_t unreachable) {
        if (!net.lost_packets.empty() && times_unreachable(net) == unreachable)
            wrong.push_back(std::format("{}: {} packets lost, first {}", when,
                                        net.lost_packets.size(), net.lost_packets.front()));
    }

    /// After every step: nothing grows, whatever happens.
    void check_growth(const TwoGateways& net) {
        const auto most = std::max(net.left.kernel_children(), net.right.kernel_children());
        if (most <= most_children)
            return;
        most_children = most;
        if (most > 12 * pairs())
            wrong.push_back(std::format("{} child SAs pile up", most));
    }

    /// How often a peer was found dead, or a request had to be sent so often that the margin before
    /// the end of a lifetime is used up.
    static std::size_t times_unreachable(const TwoGateways& net) {
        std::size_t n = 0;
        for (const auto* gateway : {&net.left, &net.right})
            for (const auto& each : gateway->reports) {
                const auto* closed = std::get_if<ike::IkeSaClosed>(&each);
                const auto* again = std::get_if<ike::Retransmitted>(&each);
                const bool dead =
                    closed && std::holds_alternative<ike::cause::PeerDead>(closed->why);
                n += dead || (again && again->attempt >= 5) ? 1u : 0u;
            }
        return n;
    }

    void run() {
        auto net = make();
        net.left.clock = draw_clock();
        net.right.clock = draw_clock();
        if (behind_nat)
            net.nat_address = address("203.0.113.7");
        net.after_step = [&] { check_growth(net); };
        if (!net.run_until([&] { return settled(net); }, 2min))
            complain(net, "at first");
        net.traffic = true;
        live_in_peace(net, "before", 2min);
        net.faults = bad_link(0.1);
        live_in_peace(net, "with little loss", 4min);
        net.faults = bad_link(0.3);
        live_in_trouble(net);
        net.cut = false;
        net.faults = {};
        net.left.kernel.refusals = net.right.kernel.refusals = 0;
        net.command(End::left, ike::Initiate{"vpn", {}});
        if (both_begin)
            net.command(End::right, ike::Initiate{"vpn", {}});
        if (!net.run_until([&] { return settled(net); }, 20min))
            complain(net, "afterwards");
        // Until the last half-dead SA of a peer that forgot it has been found out.
        net.run_for(3min);
        if (!net.run_until([&] { return settled(net); }, 1min))
            complain(net, "in the end");
        live_in_peace(net, "after", 2min);
        net.traffic = false;
        net.command(End::left, ike::Shutdown{});
        net.command(End::right, ike::Shutdown{});
        net.run_for(1min);
        if (net.left.kernel_children() + net.right.kernel_children() != 0)
            wrong.push_back("a child SA is left in a kernel");
        for (const auto* gateway : {&net.left, &net.right})
            for (const auto& each : gateway->endpoint->status().connections)
                if (!each.ike_sas.empty())
                    wrong.push_back(gateway->name + ": an IKE SA is left");
    }

    /// At one end, at any time.
    std::size_t most_children = 0;
    bool per_pair = false;
    bool both_begin = false;
    bool behind_nat = false;
};

} // namespace

BOOST_AUTO_TEST_CASE(whatever_happens_both_ends_hold_the_same_and_traffic_finds_its_way) {
    for (const auto seed : seeds(300)) {
        Life life(seed);
        life.run();
        for (const auto& each : life.wrong)
            BOOST_ERROR(std::format("seed {}: {} (replay: VIADUCT_SEED={} …)", seed, each, seed));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
