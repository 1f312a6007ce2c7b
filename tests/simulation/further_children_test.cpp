// Further children of an IKE SA, and their deletes: refused, asked for by both ends at once, late
// (RFC 7296 sections 1.3, 1.4.1, 2.21.3 and 2.25).
#include "tests/simulation/scripted_messages.h"
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(further_children)

// covers story-CC02
BOOST_AUTO_TEST_CASE(both_ask_for_the_same_child_at_once) {
    auto left = left_vpn();
    auto right = mirrored(left);
    right.start = policy::StartAction::initiate;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        StandingTunnel t(left, right, seed);
        t.net.run_for(30s);
        t.net.traffic = false;
        t.net.kernel_event(End::left, ike::HardExpired{t.inbound(End::left)});
        t.net.kernel_event(End::right, ike::HardExpired{t.inbound(End::right)});
        t.net.run_for(1min);
        t.check_one_pair();
        BOOST_TEST(ike_sas(t.net.left, "vpn").size() == 1u);
    }
}

// covers story-RB02
BOOST_AUTO_TEST_CASE(a_child_that_met_a_rekeying_ike_sa_is_asked_for_again) {
    auto left = left_vpn();
    left.children = policy::ChildrenShape::per_pair;
    left.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        TwoGateways net({{left}}, {{mirrored(left)}}, seed);
        net.run_for(10s);
        BOOST_REQUIRE(net.children() == 8u);
        const auto lost = child_sas(net.left, "vpn").front().inbound_spi;
        // The request for the lost child and that for a new IKE SA cross.
        net.kernel_event(End::left, ike::HardExpired{lost});
        net.command(End::right, ike::Rekey{"vpn", ike_keys});
        net.run_for(1min);
        BOOST_TEST(net.children() == 8u);
        BOOST_TEST(net.disagreements().empty());
        BOOST_TEST(child_sas(net.left, "vpn").size() == 4u);
        BOOST_TEST(child_sas(net.right, "vpn").size() == 4u);
    }
}

// covers story-CC06
// covers story-CC04
BOOST_AUTO_TEST_CASE(a_refused_child_leaves_the_others_and_is_asked_for_again) {
    auto own = plain();
    for (const auto type : {NotifyType::no_proposal_chosen, NotifyType::ts_unacceptable,
                            NotifyType::single_pair_required, NotifyType::failed_cp_required,
                            NotifyType::internal_address_failure, NotifyType::no_additional_sas,
                            NotifyType::temporary_failure}) {
        own.children = policy::ChildrenShape::per_pair;
        ScriptedPeer peer(own);
        // The peer asks for the first pair only.
        peer.own.remote_selectors.resize(1);
        peer.establish();
        const auto first = spis(peer);
        peer.command(ike::Initiate{"vpn", {}});
        const auto request = request_of(peer, 1s);
        BOOST_REQUIRE(request.has_value());
        BOOST_REQUIRE((request->header.exchange == ExchangeType::create_child_sa));
        peer.answer(*request, {notify(type)});
        BOOST_TEST(has_child(peer, first.theirs));
        BOOST_TEST(peer.children() == 1u);
        BOOST_TEST(peer.requests.empty());
        const auto reason = peer.status().reason;
        BOOST_REQUIRE(reason.has_value());
        const auto* refused = std::get_if<ike::cause::PeerRefused>(&*reason);
        BOOST_REQUIRE(refused);
        BOOST_TEST((refused->notify == type));
        // What is missing is told, and no longer when it is there.
        BOOST_REQUIRE_EQUAL(peer.status().missing_children.size(), 1);
        BOOST_TEST(
            (peer.status().missing_children.front().local.front() == own.remote_selectors.back()));
        const auto again = request_of(peer, 10s);
        BOOST_REQUIRE(again.has_value());
        peer.answer(*again, acceptance(peer, *again, new_spi));
        BOOST_TEST(has_child(peer, new_spi));
        BOOST_TEST(has_child(peer, first.theirs));
        BOOST_TEST(peer.children() == 2u);
        BOOST_TEST(peer.status().missing_children.empty());
    }
}

// covers story-CD03
BOOST_AUTO_TEST_CASE(a_delete_that_comes_late_finds_nothing) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto ours = next_after_acceptance(peer);
    BOOST_REQUIRE(ours.has_value());
    BOOST_REQUIRE((ours->deleted() == std::vector{old.ours}));
    peer.answer(*ours, {});
    const auto late = peer.ask(ExchangeType::informational, {removal(old.theirs)});
    BOOST_REQUIRE(late.has_value());
    BOOST_TEST(late->payloads.empty());
    peer.pass(1min);
    BOOST_TEST(has_child(peer, new_spi));
    BOOST_TEST(peer.children() == 1u);
    BOOST_TEST(peer.is_up());
}

// covers story-CD05
BOOST_AUTO_TEST_CASE(we_delete_a_child_and_the_peer_the_ike_sa) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto ours = next_after_acceptance(peer);
    BOOST_REQUIRE(ours.has_value());
    BOOST_REQUIRE(ours->deleted().size() == 1u);
    const auto heard = peer.ask(ExchangeType::informational, {ike_removal()});
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(heard->payloads.empty());
    peer.answer(*ours, {});
    const auto sent = peer.datagrams.size();
    peer.pass(10min);
    BOOST_TEST(peer.children() == 0u);
    BOOST_TEST(peer.status().ike_sas.empty());
    BOOST_TEST(peer.datagrams.size() == sent);
}

// covers story-CC05
BOOST_AUTO_TEST_CASE(an_answer_with_selectors_that_nobody_asked_for_makes_no_child) {
    auto own = plain();
    own.children = policy::ChildrenShape::per_pair;
    ScriptedPeer peer(own);
    peer.be_called_and_agree();
    const auto before = peer.children();
    const auto request = request_of(peer, 1s);
    BOOST_REQUIRE(request.has_value());
    BOOST_REQUIRE((request->header.exchange == ExchangeType::create_child_sa));
    auto payloads = acceptance(peer, *request, new_spi);
    for (auto& each : payloads)
        if (auto* ts = std::get_if<TsPayload>(&each))
            ts->selectors = subnets({"10.99.0.0/16"});
    peer.answer(*request, payloads);
    // INFORMATIONAL { D } -->
    const auto removal = request_of(peer, 1s);
    BOOST_REQUIRE(removal.has_value());
    BOOST_TEST(removal->deleted().size() == 1u);
    peer.answer(*removal, {});
    BOOST_TEST(peer.children() == before);
    BOOST_TEST(!has_child(peer, new_spi));
    BOOST_TEST(peer.is_up());
    const auto again = request_of(peer, 10s);
    BOOST_REQUIRE(again.has_value());
    BOOST_TEST((again->header.exchange == ExchangeType::create_child_sa));
    peer.answer(*again, acceptance(peer, *again, new_spi));
    BOOST_TEST(peer.children() == before + 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
