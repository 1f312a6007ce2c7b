// Limits by octets and packets: the kernel tells of the soft ones, and the child is rekeyed before
// it reaches the hard ones. And kernels that refuse what they are asked for.
#include "ike/lifetime.h"
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(volume_limits)

namespace {

policy::Connection limited(const policy::VolumeLimit& volume) {
    auto left = left_vpn();
    left.esp.volume = volume;
    left.dpd.interval = 1s;
    return left;
}

bool closed_by_limit(const Gateway& gateway) {
    return std::ranges::any_of(gateway.reports, [](const ike::ReportEvent& event) {
        const auto* closed = std::get_if<ike::ChildSaClosed>(&event);
        return closed && std::holds_alternative<ike::cause::LifetimeReached>(closed->why);
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(soft_limits_lie_a_margin_before_the_hard_ones) {
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 7));
    const policy::VolumeLimit hard{1000000, 5000};
    std::uint64_t lowest = hard.bytes, highest = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto soft = ike::soft_volume(hard, 3600s, {}, rng);
        BOOST_REQUIRE((soft.bytes > 800000 && soft.bytes <= 900000));
        BOOST_REQUIRE((soft.packets >= 4000 && soft.packets <= 4500));
        lowest = std::min(lowest, soft.bytes);
        highest = std::max(highest, soft.bytes);
    }
    BOOST_TEST((lowest < 810000 && highest > 890000));
    // The configured margin as its part of the lifetime, and never before the half.
    const auto exact = ike::soft_volume(hard, 3600s, {.margin = 900s, .jitter = 0}, rng);
    BOOST_TEST((exact == policy::VolumeLimit{750000, 3750}));
    const auto half = ike::soft_volume(hard, 3600s, {.margin = 3000s, .jitter = 0}, rng);
    BOOST_TEST((half == policy::VolumeLimit{500000, 2500}));
    BOOST_TEST((ike::soft_volume({0, 2000}, 3600s, {}, rng).bytes == 0));
    BOOST_TEST((ike::soft_volume({}, 3600s, {}, rng) == policy::VolumeLimit{}));
}

BOOST_AUTO_TEST_CASE(a_child_carries_the_limits_of_its_connection) {
    StandingTunnel t(limited({1 << 20, 1000}));
    const auto& child = t.net.left.kernel.installed().begin()->second.child;
    BOOST_TEST((child.hard_volume == policy::VolumeLimit{1 << 20, 1000}));
    BOOST_TEST((child.soft_volume.packets >= 800 && child.soft_volume.packets <= 900));
}

BOOST_AUTO_TEST_CASE(a_soft_limit_leads_to_a_rekey_and_nothing_is_lost) {
    for (const auto& volume : {policy::VolumeLimit{.packets = 1000},
                               policy::VolumeLimit{.bytes = 1000 * FakeKernel::packet_octets}}) {
        StandingTunnel t(limited(volume));
        t.net.run_for(30min);
        t.check_one_pair();
        BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) > 3u);
        BOOST_TEST(!closed_by_limit(t.net.left));
        BOOST_TEST(!closed_by_limit(t.net.right));
        BOOST_TEST(count<ike::NegotiationFailed>(t.net.left) == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_hard_limit_ends_the_child_and_another_is_made) {
    auto left = limited({.packets = 1000});
    StandingTunnel t(left);
    const auto old = t.inbound(End::left);
    t.net.kernel_event(End::left, ike::HardExpired{old});
    t.net.run_for(10s);
    BOOST_TEST(closed_by_limit(t.net.left));
    BOOST_TEST(t.net.up("vpn"));
    BOOST_TEST(t.net.disagreements().empty());
    BOOST_TEST((t.inbound(End::left) != old));
}

BOOST_AUTO_TEST_CASE(an_expiry_of_what_is_gone_changes_nothing) {
    StandingTunnel t(limited({.packets = 1000}));
    const auto old = t.inbound(End::left);
    t.net.command(End::left, ike::Rekey{"vpn", child_keys});
    t.net.run_for(10s);
    const auto now = t.inbound(End::left);
    t.net.kernel_event(End::left, ike::SoftExpired{old});
    t.net.kernel_event(End::left, ike::HardExpired{old});
    t.net.run_for(10s);
    t.check_one_pair();
    BOOST_TEST((t.inbound(End::left) == now));
}

/// Comes up, rekeys the child from both ends and the IKE SA from one, and comes up again.
void live(TwoGateways& net) {
    net.run_for(5s);
    net.command(End::left, ike::Rekey{"vpn", child_keys});
    net.run_for(10s);
    net.command(End::right, ike::Rekey{"vpn", child_keys});
    net.run_for(10s);
    net.command(End::left, ike::Rekey{"vpn", ike_keys});
    net.run_for(10s);
    net.command(End::left, ike::Terminate{"vpn"});
    net.run_for(5s);
    net.command(End::left, ike::Initiate{"vpn", std::nullopt});
    net.run_for(5min);
}

bool names_the_kernel(const Gateway& gateway) {
    return std::ranges::any_of(gateway.reports, [](const ike::ReportEvent& event) {
        const auto* failed = std::get_if<ike::NegotiationFailed>(&event);
        const auto* child = std::get_if<ike::ChildSaClosed>(&event);
        const auto* sa = std::get_if<ike::IkeSaClosed>(&event);
        const auto refused = [](const ike::Cause& why) {
            return std::holds_alternative<ike::cause::KernelRefused>(why);
        };
        return (failed && refused(failed->why)) || (child && refused(child->why)) ||
               (sa && refused(sa->why));
    });
}

BOOST_AUTO_TEST_CASE(whichever_installation_a_kernel_refuses_both_ends_agree_afterwards) {
    for (const auto end : {End::left, End::right}) {
        std::uint64_t position = 0;
        for (bool reached = true; reached;) {
            const auto left = left_vpn();
            TwoGateways net({{left}}, {{mirrored(left)}}, 1 + position);
            net.at(end).kernel.refused_installation = ++position;
            live(net);
            reached = net.at(end).kernel.installations() >= position;
            BOOST_TEST_CONTEXT(net.at(end).name << " refuses installation " << position) {
                BOOST_TEST(net.up("vpn"));
                BOOST_TEST(net.children() == 2u);
                for (const auto& each : net.disagreements())
                    BOOST_TEST(each.empty());
                BOOST_TEST(child_sas(net.left, "vpn").size() == 1u);
                BOOST_TEST(net.left.kernel_children() == 1u);
                BOOST_TEST(net.right.kernel_children() == 1u);
                BOOST_TEST(names_the_kernel(net.at(end)) == reached);
            }
        }
        BOOST_TEST(position > 4u);
    }
}

BOOST_AUTO_TEST_CASE(without_algorithms_the_connection_says_so_and_sends_nothing) {
    auto left = left_vpn();
    left.esp.proposals.clear();
    TwoGateways net({{left}}, {{mirrored(left_vpn())}});
    net.run_for(1min);
    BOOST_TEST(net.left.sent.empty());
    const auto lacking = [&] {
        const auto reason = status(net.left, "vpn").reason;
        return reason && std::holds_alternative<ike::cause::KernelLacksAlgorithms>(*reason);
    };
    BOOST_TEST(lacking());
    BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::down));
    net.command(End::left, ike::Initiate{"vpn", std::nullopt});
    net.run_for(1min);
    BOOST_TEST(net.left.sent.empty());
    BOOST_TEST(lacking());
    // A change of the configuration brings it up.
    net.command(End::left, ike::Reconfigure{{{left_vpn()}}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    // And one after which nothing is left that could be asked for ends it.
    net.command(End::left, ike::Reconfigure{{{left}}});
    net.run_for(1min);
    BOOST_TEST(!net.up("vpn"));
    BOOST_TEST(lacking());
    BOOST_TEST(net.left.kernel_children() + net.right.kernel_children() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
