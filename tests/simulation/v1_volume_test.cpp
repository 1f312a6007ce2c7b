// Lifetimes of a child in kilobytes beside those in seconds (RFC 2407 section 4.5): whoever says
// less is heeded by both sides.
#include "ike/wire/v1_transform.h"
#include "tests/simulation/v1_scripted_peer.h"

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_volume)

namespace {

using ike::wire::v1::Lifetimes;
using ike::wire::v1::NotifyType;
constexpr std::uint64_t kilobyte = 1024;

policy::Connection limited_to(std::uint64_t kilobytes) {
    auto c = OldScriptedPeer::peer_connection();
    c.esp.volume.bytes = kilobytes * kilobyte;
    c.dpd.interval = 1s;
    return c;
}

/// Of the child that is in the kernel.
policy::VolumeLimit hard_volume(const Gateway& gateway) {
    return gateway.kernel.installed().begin()->second.child.hard_volume;
}

bool closed_by_limit(const Gateway& gateway) {
    return std::ranges::any_of(gateway.reports, [](const ike::ReportEvent& event) {
        const auto* closed = std::get_if<ike::ChildSaClosed>(&event);
        return closed && std::holds_alternative<ike::cause::LifetimeReached>(closed->why);
    });
}

/// What an endpoint with this limit (in kilobytes) and an hour tells a peer that offers these.
std::optional<Lifetimes> told(std::uint64_t limit, const Lifetimes& offered) {
    auto endpoints = mirrored(limited_to(limit));
    endpoints.aggressive = true;
    OldScriptedPeer peer(OldScriptedPeer::peer_connection(), endpoints);
    peer.establish();
    const auto answer = peer.begin_quick_mode(offered);
    BOOST_REQUIRE(answer);
    const auto* notify = answer->notify(NotifyType::responder_lifetime);
    if (!notify)
        return std::nullopt;
    BOOST_TEST((notify->protocol == policy::ProtocolId::esp));
    return ike::wire::v1::read_responder_lifetime(*notify).value();
}

} // namespace

BOOST_AUTO_TEST_CASE(the_smaller_limit_of_either_side_counts_on_both) {
    for (const auto& [left_limit, right_limit] : {std::pair{2000u, 5000u}, std::pair{5000u, 2000u},
                                                  std::pair{0u, 2000u}, std::pair{2000u, 0u}}) {
        BOOST_TEST_CONTEXT(left_limit << " and " << right_limit) {
            const auto left = limited_to(left_limit);
            auto right = mirrored(left);
            right.esp.volume.bytes = right_limit * kilobyte;
            right.esp.volume.packets = 5000;
            TwoGateways net({{left}}, {{right}});
            BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
            BOOST_TEST(hard_volume(net.left).bytes == 2000 * kilobyte);
            BOOST_TEST(hard_volume(net.right).bytes == 2000 * kilobyte);
            // Of packets IKEv1 does not speak.
            BOOST_TEST(hard_volume(net.left).packets == 0u);
            BOOST_TEST(hard_volume(net.right).packets == 5000u);
            for (const auto* gateway : {&net.left, &net.right})
                BOOST_TEST(child_sas(*gateway, "vpn").front().volume.bytes == 2000 * kilobyte);
            BOOST_TEST(net.disagreements().empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_peers_limit_leads_to_a_rekey_and_nothing_is_lost) {
    for (const auto end : {End::left, End::right}) {
        const auto left = limited_to(end == End::left ? 1024 : 0);
        auto right = mirrored(left);
        right.esp.volume.bytes = end == End::left ? 0 : 1024 * kilobyte;
        OldTunnel t(left, right);
        t.net.run_for(6h);
        BOOST_TEST(count<ike::ChildSaEstablished>(t.net.left) > 3u);
        BOOST_TEST(!closed_by_limit(t.net.left));
        BOOST_TEST(!closed_by_limit(t.net.right));
        BOOST_TEST(count<ike::NegotiationFailed>(t.net.left) == 0u);
        BOOST_TEST(t.net.lost_packets.empty());
    }
}

// What is left of the limit may not last for long.
BOOST_AUTO_TEST_CASE(traffic_leaves_a_limited_child_as_soon_as_it_can) {
    for (const auto end : {End::left, End::right}) {
        const auto left = limited_to(5000);
        OldTunnel t(left);
        const auto before = t.net.at(end).kernel.installed().begin()->first;
        t.net.command(end, ike::Rekey{"vpn", old_child_keys});
        t.net.run_for(150ms);
        const auto& installed = t.net.at(end).kernel.installed();
        BOOST_TEST((installed.rbegin()->first != before));
        BOOST_TEST(installed.rbegin()->second.outbound);
        t.net.run_for(1min);
        t.check_settled();
    }
}

// covers 2407-4.5.4-a, 2407-4.6.3.1-a
BOOST_AUTO_TEST_CASE(a_responder_with_a_smaller_limit_says_which) {
    const Lifetimes half_hour{.seconds = 1800, .kilobytes = {}};
    // One hour and no limit here.
    BOOST_TEST((told(0, half_hour) == std::nullopt));
    BOOST_TEST((told(0, {.seconds = 7200, .kilobytes = {}}) == Lifetimes{3600, {}}));
    BOOST_TEST((told(0, {.seconds = 7200, .kilobytes = 2000}) == Lifetimes{3600, {}}));
    BOOST_TEST((told(2000, half_hour) == Lifetimes{{}, 2000}));
    BOOST_TEST((told(2000, {.seconds = 1800, .kilobytes = 2000}) == std::nullopt));
    BOOST_TEST((told(2000, {.seconds = 1800, .kilobytes = 1999}) == std::nullopt));
    BOOST_TEST((told(2000, {.seconds = 1800, .kilobytes = 2001}) == Lifetimes{{}, 2000}));
    BOOST_TEST((told(2000, {.seconds = 7200, .kilobytes = 3000}) == Lifetimes{3600, 2000}));
    // Without seconds an offer is for eight hours.
    BOOST_TEST((told(0, {}) == Lifetimes{3600, {}}));
}

BOOST_AUTO_TEST_CASE(an_offer_that_makes_no_sense_is_no_limit) {
    for (const auto& [offered, taken] :
         {std::pair{std::uint64_t{0}, std::uint64_t{0}},
          // What rekeying could not keep up with.
          std::pair{std::uint64_t{1}, 1024 * kilobyte},
          std::pair{std::uint64_t{3000}, 3000 * kilobyte},
          std::pair{std::uint64_t{0xffffffff}, 0xffffffff * kilobyte}}) {
        OldScriptedPeer peer;
        peer.establish();
        BOOST_REQUIRE(peer.begin_quick_mode({.seconds = 1800, .kilobytes = offered}));
        BOOST_REQUIRE(peer.installed.size() == 1u);
        BOOST_TEST(peer.installed.front().hard_volume.bytes == taken);
        BOOST_TEST(peer.installed.front().soft_volume.bytes <= taken);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
