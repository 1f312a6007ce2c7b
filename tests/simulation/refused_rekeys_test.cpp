// Rekeys that the peer refuses for good: it makes SAs in IKE_AUTH only, or it is out of step
// (RFC 7296 sections 1.3, 2.25 and 4).
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(refused_rekeys)

namespace {

bool is_ike_removal(const Heard& heard) {
    const auto* found = find<DeletePayload>(heard.payloads);
    return found && found->protocol == policy::ProtocolId::ike;
}

/// An IKE_SA_INIT of the endpoint's, answered, and its IKE_AUTH too.
void agree_anew(ScriptedPeer& peer, const Heard& greeting) {
    peer.answer_greeting(greeting);
    const auto auth = request_of(peer, 1s);
    BOOST_REQUIRE(auth.has_value());
    BOOST_REQUIRE((auth->header.exchange == ExchangeType::ike_auth));
    peer.answer(*auth, peer.auth_answer(*auth));
}

} // namespace

// covers 7296-4-f, story-CC03
BOOST_AUTO_TEST_CASE(a_rekey_refused_for_good_leads_to_a_new_ike_sa_and_the_end_of_the_old_one) {
    for (const auto& own : {short_children(), short_ike()}) {
        ScriptedPeer peer(own);
        peer.be_called_and_agree();
        const auto old = spis(peer);
        const auto rekey = request_of(peer, 30min);
        BOOST_REQUIRE(rekey.has_value());
        BOOST_REQUIRE((rekey->header.exchange == ExchangeType::create_child_sa));
        peer.answer(*rekey, {notify(NotifyType::no_additional_sas)});
        BOOST_TEST(peer.is_up());
        BOOST_TEST(has_child(peer, old.theirs));
        const auto greeting = request_of(peer, 1s);
        BOOST_REQUIRE(greeting.has_value());
        BOOST_REQUIRE((greeting->header.exchange == ExchangeType::ike_sa_init));
        // Make before break.
        BOOST_TEST(has_child(peer, old.theirs));
        agree_anew(peer, *greeting);
        BOOST_TEST(peer.is_up());
        const auto farewell = request_of(peer, 1min);
        BOOST_REQUIRE(farewell.has_value());
        BOOST_TEST(is_ike_removal(*farewell));
        BOOST_TEST((farewell->header.initiator_spi == peer.sas.front().initiator_spi));
        peer.answer(*farewell, {});
        BOOST_TEST(!has_child(peer, old.theirs));
        BOOST_TEST(peer.children() == 1u);
        BOOST_TEST(peer.status().ike_sas.size() == 1u);
    }
}

// covers 7296-4-f, story-CC03
BOOST_AUTO_TEST_CASE(where_no_child_is_left_and_none_can_be_made_there_is_a_new_ike_sa) {
    ScriptedPeer peer(plain());
    peer.be_called_and_agree();
    peer.kernel_event(ike::HardExpired{spis(peer).ours});
    for (bool refused = false; !refused;) {
        const auto request = request_of(peer, 1s);
        BOOST_REQUIRE(request.has_value());
        refused = request->header.exchange == ExchangeType::create_child_sa;
        peer.answer(*request,
                    refused ? Payloads{notify(NotifyType::no_additional_sas)} : Payloads{});
    }
    const auto farewell = request_of(peer, 1s);
    BOOST_REQUIRE(farewell.has_value());
    BOOST_TEST(is_ike_removal(*farewell));
    peer.answer(*farewell, {});
    const auto greeting = request_of(peer, 5s);
    BOOST_REQUIRE(greeting.has_value());
    BOOST_REQUIRE((greeting->header.exchange == ExchangeType::ike_sa_init));
    agree_anew(peer, *greeting);
    BOOST_TEST(peer.is_up());
    BOOST_TEST(peer.children() == 1u);
    BOOST_TEST(peer.status().ike_sas.size() == 1u);
}

// covers 7296-2.25-c
BOOST_AUTO_TEST_CASE(minutes_of_temporary_failure_end_the_ike_sa_and_begin_a_new_one) {
    auto child = short_children(), ike = short_ike();
    child.esp.rekey.margin = ike.ike.rekey.margin = 500s;
    child.esp.lifetime = ike.ike.lifetime = 1h;
    for (const auto& own : {child, ike}) {
        ScriptedPeer peer(own);
        peer.be_called_and_agree();
        std::optional<Heard> request;
        std::optional<ike::TimePoint> first;
        for (;;) {
            request = request_of(peer, 1h);
            BOOST_REQUIRE(request.has_value());
            if (request->header.exchange != ExchangeType::create_child_sa)
                break;
            first = first.value_or(peer.now);
            peer.answer(*request, {notify(NotifyType::temporary_failure)});
        }
        BOOST_TEST(is_ike_removal(*request));
        BOOST_REQUIRE(first.has_value());
        BOOST_TEST((peer.now - *first >= 3min));
        BOOST_TEST((peer.now - *first <= 7min));
        BOOST_TEST(peer.children() == 0u);
        peer.answer(*request, {});
        const auto greeting = request_of(peer, 5s);
        BOOST_REQUIRE(greeting.has_value());
        BOOST_REQUIRE((greeting->header.exchange == ExchangeType::ike_sa_init));
        agree_anew(peer, *greeting);
        BOOST_TEST(peer.is_up());
    }
}

// covers 7296-2.25-c
BOOST_AUTO_TEST_CASE(one_child_that_agrees_shows_that_the_ends_are_in_step) {
    auto own = plain();
    own.esp.lifetime = 1h;
    own.esp.rekey.margin = 500s;
    ScriptedPeer peer(own);
    peer.be_called_and_agree();
    std::optional<ike::TimePoint> first;
    auto request = request_of(peer, 1h);
    while (request && (!first || peer.now - *first < 4min)) {
        first = first.value_or(peer.now);
        BOOST_REQUIRE((request->header.exchange == ExchangeType::create_child_sa));
        peer.answer(*request, {notify(NotifyType::temporary_failure)});
        request = request_of(peer, 10s);
    }
    BOOST_REQUIRE(request.has_value());
    peer.answer(*request, acceptance(peer, *request, new_spi));
    const auto removal_of_old = request_of(peer, 1s);
    BOOST_REQUIRE(removal_of_old.has_value());
    peer.answer(*removal_of_old, {});
    // An hour later one TEMPORARY_FAILURE is the first again.
    const auto next = request_of(peer, 1h);
    BOOST_REQUIRE(next.has_value());
    BOOST_REQUIRE(rekey_of(*next));
    peer.answer(*next, {notify(NotifyType::temporary_failure)});
    BOOST_TEST(peer.is_up());
    BOOST_TEST(has_child(peer, new_spi));
}

namespace {

/// The endpoint's rekey meets one of the peer's, which has the first word, as happens whenever both
/// come at the same time.
void lose_a_crossing(ScriptedPeer& peer, policy::ChildSpi old) {
    const auto request = request_of(peer, 20min);
    BOOST_REQUIRE(request.has_value());
    BOOST_REQUIRE(rekey_of(*request));
    peer.answer(*request, {notify(NotifyType::temporary_failure)});
    BOOST_REQUIRE(
        !peer.ask(ExchangeType::create_child_sa, rekey_request(peer, old)).value().error());
    peer.ask(ExchangeType::informational, {removal(old)});
    peer.pass(10s);
}

} // namespace

// covers 7296-2.25-c
BOOST_AUTO_TEST_CASE(rekeys_that_cross_again_and_again_are_no_sign_of_a_peer_out_of_step) {
    for (const auto lifetime : {10min, 2min}) {
        auto own = short_children();
        own.esp.lifetime = lifetime;
        ScriptedPeer peer(own);
        peer.be_called_and_agree();
        for (unsigned i = 0; i < 8; ++i) {
            lose_a_crossing(peer, spis(peer).theirs);
            BOOST_TEST(peer.is_up());
            BOOST_TEST(peer.children() == 1u);
            BOOST_TEST(peer.requests.empty());
        }
        BOOST_TEST(peer.sas.size() == 1u);
    }
}

// covers 7296-2.25-c
BOOST_AUTO_TEST_CASE(temporary_failures_with_minutes_of_peace_between_them_end_nothing) {
    auto own = short_children();
    own.close = policy::CloseAction::clear;
    own.esp.rekey.margin = 200s;
    ScriptedPeer peer(own);
    peer.be_called_and_agree();
    const auto refuse = [&](ike::TimePoint::duration limit) {
        const auto request = request_of(peer, limit);
        BOOST_REQUIRE(request.has_value());
        BOOST_REQUIRE((request->header.exchange == ExchangeType::create_child_sa));
        peer.answer(*request, {notify(NotifyType::temporary_failure)});
    };
    refuse(20min);
    for (const auto end = peer.now + 1min; peer.now < end;)
        refuse(10s);
    peer.ask(ExchangeType::informational, {removal(spis(peer).theirs)});
    peer.pass(4min + 30s);
    BOOST_TEST(peer.requests.empty());
    peer.command(ike::Initiate{"vpn", {}});
    refuse(1s);
    BOOST_REQUIRE(peer.status().ike_sas.size() == 1u);
    BOOST_TEST(peer.status().ike_sas.front().established);
}

// covers 7296-2.25-c
BOOST_AUTO_TEST_CASE(a_further_child_that_fails_for_minutes_takes_no_other_with_it) {
    auto own = plain();
    own.children = policy::ChildrenShape::per_pair;
    ScriptedPeer peer(own);
    peer.be_called_and_agree();
    const auto first = spis(peer);
    for (const auto end = peer.now + 15min; peer.now < end;)
        if (const auto request = request_of(peer, 1min)) {
            BOOST_REQUIRE((request->header.exchange == ExchangeType::create_child_sa));
            peer.answer(*request, {notify(NotifyType::temporary_failure)});
        }
    BOOST_TEST(has_child(peer, first.theirs));
    BOOST_TEST(peer.is_up());
}

BOOST_AUTO_TEST_CASE(a_peer_that_wants_another_group_each_time_is_followed_once) {
    auto child = short_children(), ike = short_ike();
    child.esp.proposals = esp_proposals({"aes128gcm16-x25519-ecp256"});
    ike.ike.proposals =
        ike_proposals({"aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-ecp256"});
    for (const auto& own : {child, ike}) {
        ScriptedPeer peer(own);
        peer.be_called_and_agree();
        unsigned asked = 0;
        for (auto request = request_of(peer, 30min); request; request = request_of(peer, 5s)) {
            if (request->header.exchange != ExchangeType::create_child_sa)
                break;
            ++asked;
            const auto* offered = find<KeyExchangePayload>(request->payloads);
            BOOST_REQUIRE(offered != nullptr);
            const std::uint8_t other = offered->method == 31 ? 19 : 31;
            peer.answer(*request, {NotifyPayload{.type = NotifyType::invalid_ke_payload,
                                                 .data = {0, other}}});
        }
        BOOST_TEST(asked == 2u);
        BOOST_TEST(peer.is_up());
        BOOST_TEST(peer.children() == 1u);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
