// CREATE_CHILD_SA and Delete against a peer that sends each message at the moment that the RFC
// writes of: rekeying what is being rekeyed, closed or gone (RFC 7296 sections 1.3, 1.4.1, 2.8
// and 2.25).
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(exchange_rules)

// covers 7296-2.25-d, 7296-2.25.1-e, class-error-answer
BOOST_AUTO_TEST_CASE(a_child_that_is_not_there_is_not_rekeyed) {
    ScriptedPeer peer(plain());
    peer.establish();
    for (const auto protocol : {policy::ProtocolId::esp, policy::ProtocolId::ah}) {
        auto payloads = peer.child_payloads();
        payloads.insert(payloads.begin(),
                        peer.rekey_notify(policy::ChildSpi{0xe0000001}, protocol));
        const auto heard = peer.ask(ExchangeType::create_child_sa, payloads);
        BOOST_REQUIRE(heard.has_value());
        BOOST_REQUIRE(heard->error().has_value());
        BOOST_TEST((heard->error()->type == NotifyType::child_sa_not_found));
        BOOST_TEST(heard->error()->spi == (Octets{0xe0, 0, 0, 1}),
                   boost::test_tools::per_element());
    }
    BOOST_TEST(peer.children() == 1u);
    BOOST_TEST(peer.is_up());
}

// covers 7296-1.4.1-a, 7296-1.4.1-b, 7296-2.8.1-a, 7296-2.9.2-b, story-CR01
BOOST_AUTO_TEST_CASE(a_rekey_of_the_peers_leaves_both_until_the_delete) {
    ScriptedPeer peer(plain());
    peer.establish();
    const auto old = spis(peer);
    const auto heard = peer.ask(ExchangeType::create_child_sa, rekey_request(peer, old.theirs));
    BOOST_REQUIRE(heard.has_value());
    BOOST_REQUIRE(!heard->error().has_value());
    BOOST_TEST(!rekey_of(*heard));
    for (const auto& each : heard->payloads)
        if (const auto* ts = std::get_if<TsPayload>(&each))
            BOOST_TEST((ts->selectors == (ts->side == TsPayload::Side::initiator
                                              ? peer.own.local_selectors
                                              : peer.own.remote_selectors)));
    BOOST_TEST(peer.children() == 2u);
    const auto removed = peer.ask(ExchangeType::informational, {removal(old.theirs)});
    BOOST_REQUIRE(removed.has_value());
    BOOST_TEST((removed->deleted() == std::vector{old.ours}));
    peer.pass(1min);
    BOOST_TEST(!has_child(peer, old.theirs));
    BOOST_TEST(peer.children() == 1u);
    BOOST_TEST(peer.is_up());
}

// covers 7296-1.3-c, 7296-3.4-d, story-CR02
BOOST_AUTO_TEST_CASE(another_group_is_asked_for_and_nothing_is_left_of_the_attempt) {
    auto own = plain();
    own.esp.proposals = esp_proposals({"aes128gcm16-x25519"});
    ScriptedPeer peer(own);
    peer.establish();
    auto payloads = rekey_request(peer, spis(peer).theirs);
    auto& offered = std::get<SaPayload>(payloads.at(1)).proposals.at(0).proposal.transforms;
    offered.push_back({policy::TransformType::key_exchange, 31, std::nullopt});
    offered.push_back({policy::TransformType::key_exchange, 19, std::nullopt});
    payloads.push_back(KeyExchangePayload{19, Octets(64, 1)});
    const auto heard = peer.ask(ExchangeType::create_child_sa, payloads);
    BOOST_REQUIRE(heard.has_value());
    BOOST_REQUIRE(heard->error().has_value());
    BOOST_TEST((heard->error()->type == NotifyType::invalid_ke_payload));
    BOOST_TEST(heard->error()->data == (Octets{0, 31}), boost::test_tools::per_element());
    BOOST_TEST(peer.children() == 1u);
}

// covers 7296-3.3.6-h, 7296-3.4-c
BOOST_AUTO_TEST_CASE(without_a_group_the_key_exchange_is_ignored) {
    ScriptedPeer peer(plain());
    peer.establish();
    auto payloads = rekey_request(peer, spis(peer).theirs);
    payloads.push_back(KeyExchangePayload{31, Octets(32, 9)});
    const auto heard = peer.ask(ExchangeType::create_child_sa, payloads);
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(!heard->error().has_value());
    BOOST_TEST(!find<KeyExchangePayload>(heard->payloads));
}

// covers 7296-1.3.3-a, 7296-1.4-c, 7296-1.4.1-b, 7296-2.9.2-a, 7296-2.4-h, story-CR01
BOOST_AUTO_TEST_CASE(our_rekey_names_the_old_child_and_deletes_it_afterwards) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto request = request_of(peer, 10min);
    BOOST_REQUIRE(request.has_value());
    BOOST_TEST((request->header.exchange == ExchangeType::create_child_sa));
    const auto* rekey = rekey_of(*request);
    BOOST_REQUIRE(rekey);
    BOOST_TEST((rekey->protocol == policy::ProtocolId::esp));
    BOOST_TEST(rekey->spi == spi_octets(old.ours), boost::test_tools::per_element());
    BOOST_TEST(!find<KeyExchangePayload>(request->payloads));
    for (const auto& each : request->payloads)
        if (const auto* ts = std::get_if<TsPayload>(&each)) {
            const auto& in_use = ts->side == TsPayload::Side::initiator ? peer.own.remote_selectors
                                                                        : peer.own.local_selectors;
            for (const auto& selector : in_use)
                BOOST_TEST(std::ranges::contains(ts->selectors, selector));
        }
    peer.answer(*request, acceptance(peer, *request, new_spi));
    const auto next = request_of(peer, 1min);
    BOOST_REQUIRE(next.has_value());
    BOOST_TEST((next->deleted() == std::vector{old.ours}));
    BOOST_TEST(has_child(peer, new_spi));
    peer.answer(*next, {removal(old.theirs)});
    peer.pass(1min);
    BOOST_TEST(peer.children() == 1u);
    BOOST_TEST(has_child(peer, new_spi));
}

// covers 7296-1.4.1-d, 7296-1.4.1-e, 7296-2.25.1-a, 7296-2.25.1-d, story-CD02, story-CR04
BOOST_AUTO_TEST_CASE(deletes_of_the_same_child_cross) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto ours = next_after_acceptance(peer);
    BOOST_REQUIRE(ours.has_value());
    BOOST_REQUIRE((ours->deleted() == std::vector{old.ours}));
    // What is being closed is not rekeyed.
    const auto late = peer.ask(ExchangeType::create_child_sa, rekey_request(peer, old.theirs));
    BOOST_REQUIRE(late.has_value());
    BOOST_REQUIRE(late->error().has_value());
    BOOST_TEST((late->error()->type == NotifyType::temporary_failure));
    const auto crossed = peer.ask(ExchangeType::informational, {removal(old.theirs)});
    BOOST_REQUIRE(crossed.has_value());
    BOOST_TEST(crossed->payloads.empty());
    peer.answer(*ours, {});
    peer.pass(1min);
    BOOST_TEST(!has_child(peer, old.theirs));
    BOOST_TEST(has_child(peer, new_spi));
    BOOST_TEST(peer.children() == 1u);
}

// covers 7296-2.25-a, 7296-2.25-b
BOOST_AUTO_TEST_CASE(after_temporary_failure_we_wait) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    for (int i = 0; i < 3; ++i) {
        const auto request = request_of(peer, 10min);
        BOOST_REQUIRE(request.has_value());
        BOOST_REQUIRE(rekey_of(*request));
        peer.answer(*request, {notify(NotifyType::temporary_failure)});
        peer.pass(500ms);
        BOOST_TEST(peer.requests.empty());
        BOOST_TEST(has_child(peer, old.theirs));
    }
    const auto request = request_of(peer, 1min);
    BOOST_REQUIRE(request.has_value());
    peer.answer(*request, acceptance(peer, *request, new_spi));
    BOOST_TEST(has_child(peer, new_spi));
}

// covers 7296-2.25.1-f, story-CR06
BOOST_AUTO_TEST_CASE(a_child_that_the_peer_lost_is_dropped_and_made_anew) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto request = request_of(peer, 10min);
    BOOST_REQUIRE(request.has_value());
    auto lost = *rekey_of(*request);
    lost.type = NotifyType::child_sa_not_found;
    peer.answer(*request, {lost});
    BOOST_TEST(!has_child(peer, old.theirs));
    const auto anew = request_of(peer, 1min);
    BOOST_REQUIRE(anew.has_value());
    BOOST_TEST((anew->header.exchange == ExchangeType::create_child_sa));
    BOOST_TEST(!rekey_of(*anew));
    peer.answer(*anew, acceptance(peer, *anew, new_spi));
    BOOST_TEST(has_child(peer, new_spi));
    BOOST_TEST(peer.children() == 1u);
}

// covers 7296-2.25.1-c, story-CR17, story-CR18
BOOST_AUTO_TEST_CASE(the_peer_deletes_what_we_rekey) {
    for (const bool failure_first : {false, true}) {
        ScriptedPeer peer(short_children());
        peer.establish();
        const auto old = spis(peer);
        const auto request = request_of(peer, 10min);
        BOOST_REQUIRE(request.has_value());
        if (failure_first)
            peer.answer(*request, {notify(NotifyType::temporary_failure)});
        const auto heard = peer.ask(ExchangeType::informational, {removal(old.theirs)});
        BOOST_REQUIRE(heard.has_value());
        BOOST_TEST((heard->deleted() == std::vector{old.ours}));
        if (!failure_first)
            peer.answer(*request, {notify(NotifyType::temporary_failure)});
        BOOST_TEST(!has_child(peer, old.theirs));
        while (const auto later = request_of(peer, 5min)) {
            const auto* rekey = rekey_of(*later);
            BOOST_TEST(!rekey);
            if (rekey || later->header.exchange != ExchangeType::create_child_sa)
                break;
            peer.answer(*later, {notify(NotifyType::no_additional_sas)});
        }
    }
}

// covers story-CR07
BOOST_AUTO_TEST_CASE(a_delete_of_the_old_child_overtakes_the_answer_to_our_rekey) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto request = request_of(peer, 10min);
    BOOST_REQUIRE(request.has_value());
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {removal(old.theirs)}).has_value());
    peer.answer(*request, acceptance(peer, *request, new_spi));
    BOOST_TEST(has_child(peer, new_spi));
    agree_to_all(peer, 1min);
    BOOST_TEST(has_child(peer, new_spi));
    BOOST_TEST(!has_child(peer, old.theirs));
    BOOST_TEST(peer.is_up());
}

// covers story-CR20
BOOST_AUTO_TEST_CASE(a_delete_of_the_new_child_overtakes_the_answer_that_makes_it) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto request = request_of(peer, 10min);
    BOOST_REQUIRE(request.has_value());
    const auto heard = peer.ask(ExchangeType::informational, {removal(new_spi)});
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(heard->deleted().empty());
    peer.answer(*request, acceptance(peer, *request, new_spi));
    BOOST_TEST(!has_child(peer, new_spi));
    // The old one carries on until another try.
    BOOST_TEST(has_child(peer, old.theirs));
    const auto again = request_of(peer, 1min);
    BOOST_REQUIRE(again.has_value());
    BOOST_TEST(rekey_of(*again));
    const policy::ChildSpi newest{0xdddd0002};
    peer.answer(*again, acceptance(peer, *again, newest));
    BOOST_TEST(has_child(peer, newest));
    BOOST_TEST(!has_child(peer, new_spi));
}

// covers 7296-2.8.1-b, 7296-2.8.1-c, story-CR08
BOOST_AUTO_TEST_CASE(the_lowest_nonce_decides_between_crossing_rekeys) {
    const Octets lowest(32, 0), highest(32, 0xff);
    for (const bool ours_loses : {false, true}) {
        ScriptedPeer peer(short_children());
        peer.establish();
        const auto old = spis(peer);
        const auto request = request_of(peer, 10min);
        BOOST_REQUIRE(request.has_value());
        auto theirs = rekey_request(peer, old.theirs);
        std::get<NoncePayload>(theirs.at(2)).data = ours_loses ? highest : lowest;
        const auto heard = peer.ask(ExchangeType::create_child_sa, theirs);
        BOOST_REQUIRE(heard.has_value());
        BOOST_REQUIRE(!heard->error().has_value());
        auto answer = acceptance(peer, *request, new_spi);
        std::get<NoncePayload>(answer.at(1)).data = ours_loses ? lowest : highest;
        peer.answer(*request, answer);
        const auto removed = request_of(peer, 1s);
        BOOST_REQUIRE(removed.has_value());
        BOOST_REQUIRE(removed->deleted().size() == 1u);
        const auto spi = spi_octets(removed->deleted().front());
        const auto made = find<SaPayload>(request->payloads)->proposals.at(0).spi;
        // The loser goes by who made it, the old child by who made the survivor.
        BOOST_TEST(spi == (ours_loses ? made : spi_octets(old.ours)),
                   boost::test_tools::per_element());
        peer.answer(*removed, {});
        BOOST_TEST(has_child(peer, new_spi) == !ours_loses);
    }
}

// covers story-CR23
BOOST_AUTO_TEST_CASE(a_peer_rekeys_the_same_child_twice) {
    ScriptedPeer peer(plain());
    peer.establish();
    const auto old = spis(peer);
    const auto first = peer.ask(ExchangeType::create_child_sa, rekey_request(peer, old.theirs));
    const auto second = peer.ask(ExchangeType::create_child_sa, rekey_request(peer, old.theirs));
    BOOST_REQUIRE(first.has_value());
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST(!first->error().has_value());
    const bool both = !second->error();
    if (!both)
        BOOST_TEST((second->error()->type == NotifyType::temporary_failure));
    const policy::ChildSpi first_new{0xd0000001}, second_new{0xd0000002};
    BOOST_REQUIRE(has_child(peer, first_new));
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {removal(first_new)}).has_value());
    agree_to_all(peer, 1s);
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {removal(old.theirs)}).has_value());
    agree_to_all(peer, 1min);
    BOOST_TEST(!has_child(peer, first_new));
    BOOST_TEST(!has_child(peer, old.theirs));
    BOOST_TEST(has_child(peer, second_new) == both);
}

// covers 7296-2.25.1-b, 7296-2.25.1-g
BOOST_AUTO_TEST_CASE(while_we_rekey_a_child_the_peer_may_too_but_not_rekey_the_ike_sa) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    BOOST_REQUIRE(request_of(peer, 10min).has_value());
    Octets nonce(32, 5);
    const Payloads ike_rekey{SaPayload{{{1, Octets(8, 0x77), peer.own.ike.proposals.front()}}},
                             NoncePayload{nonce}, KeyExchangePayload{31, Octets(32, 9)}};
    const auto refused = peer.ask(ExchangeType::create_child_sa, ike_rekey);
    BOOST_REQUIRE(refused.has_value());
    BOOST_REQUIRE(refused->error().has_value());
    BOOST_TEST((refused->error()->type == NotifyType::temporary_failure));
    const auto usual = peer.ask(ExchangeType::create_child_sa, rekey_request(peer, old.theirs));
    BOOST_REQUIRE(usual.has_value());
    BOOST_TEST(!usual->error().has_value());
}

// covers 7296-1.3-a, 7296-1.3-b, 7296-1.3.2-a, 7296-2.18-a, 7296-2.18-b
// covers 7296-2.25.2-e, 7296-2.25.2-f, story-CC01, story-CD04
BOOST_AUTO_TEST_CASE(while_we_rekey_the_ike_sa_no_child_is_made_but_deleted) {
    ScriptedPeer peer(short_ike());
    peer.establish();
    const auto old = spis(peer);
    const auto request = request_of(peer, 20min);
    BOOST_REQUIRE(request.has_value());
    BOOST_TEST((request->header.exchange == ExchangeType::create_child_sa));
    const auto* offered = find<SaPayload>(request->payloads);
    BOOST_REQUIRE(offered);
    BOOST_TEST((offered->proposals.at(0).proposal.protocol == policy::ProtocolId::ike));
    BOOST_TEST(offered->proposals.at(0).spi.size() == 8u);
    const auto* key_exchange = find<KeyExchangePayload>(request->payloads);
    BOOST_REQUIRE(key_exchange);
    BOOST_TEST(std::ranges::any_of(offered->proposals.at(0).proposal.transforms,
                                   [&](const policy::Transform& each) {
                                       return each.type == policy::TransformType::key_exchange &&
                                              each.id == key_exchange->method;
                                   }));
    for (const auto& payloads : {peer.child_payloads(), rekey_request(peer, old.theirs)}) {
        const auto heard = peer.ask(ExchangeType::create_child_sa, payloads);
        BOOST_REQUIRE(heard.has_value());
        BOOST_REQUIRE(heard->error().has_value());
        BOOST_TEST((heard->error()->type == NotifyType::temporary_failure));
    }
    const auto removed = peer.ask(ExchangeType::informational, {removal(old.theirs)});
    BOOST_REQUIRE(removed.has_value());
    BOOST_TEST((removed->deleted() == std::vector{old.ours}));
    BOOST_TEST(peer.children() == 0u);
}

// covers 7296-2.25.2-b, story-IR10, story-IR11
BOOST_AUTO_TEST_CASE(the_peer_closes_the_ike_sa_that_we_rekey) {
    for (const bool failure_first : {false, true}) {
        ScriptedPeer peer(short_ike());
        peer.establish();
        const auto request = request_of(peer, 20min);
        BOOST_REQUIRE(request.has_value());
        if (failure_first)
            peer.answer(*request, {notify(NotifyType::temporary_failure)});
        const auto heard = peer.ask(ExchangeType::informational, {ike_removal()});
        BOOST_REQUIRE(heard.has_value());
        BOOST_TEST(heard->payloads.empty());
        BOOST_TEST(peer.children() == 0u);
        const auto sent = peer.datagrams.size();
        peer.pass(10min);
        BOOST_TEST(peer.datagrams.size() == sent);
        BOOST_TEST(peer.status().ike_sas.empty());
    }
}

// covers 7296-2.25.2-c, 7296-2.25.2-d, 7296-2.25.2-e, story-CR22, story-ID02
BOOST_AUTO_TEST_CASE(what_we_close_is_not_rekeyed_but_closed) {
    ScriptedPeer peer(plain());
    peer.establish();
    const auto old = spis(peer);
    peer.command(ike::Terminate{"vpn"});
    BOOST_REQUIRE(!peer.requests.empty());
    const Payloads ike_rekey{SaPayload{{{1, Octets(8, 0x77), peer.own.ike.proposals.front()}}},
                             NoncePayload{Octets(32, 5)}, KeyExchangePayload{31, Octets(32, 9)}};
    for (const auto& payloads :
         {ike_rekey, peer.child_payloads(), rekey_request(peer, old.theirs)}) {
        const auto heard = peer.ask(ExchangeType::create_child_sa, payloads);
        BOOST_REQUIRE(heard.has_value());
        BOOST_REQUIRE(heard->error().has_value());
        BOOST_TEST((heard->error()->type == NotifyType::temporary_failure));
    }
    const auto heard = peer.ask(ExchangeType::informational, {ike_removal()});
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(heard->payloads.empty());
    const auto sent = peer.datagrams.size();
    peer.pass(10min);
    BOOST_TEST(peer.datagrams.size() == sent);
    BOOST_TEST(peer.status().ike_sas.empty());
}

// covers 7296-2.8-a, 7296-2.8-b
BOOST_AUTO_TEST_CASE(a_child_that_cannot_be_rekeyed_goes_at_the_end_of_its_life) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    const auto end = peer.now + 11min;
    while (peer.now < end)
        if (const auto request = request_of(peer, 1s)) {
            if (request->header.exchange == ExchangeType::create_child_sa)
                peer.answer(*request, {notify(NotifyType::no_proposal_chosen)});
            else
                peer.answer(*request, {});
        }
    BOOST_TEST(!has_child(peer, old.theirs));
}

// covers 7296-2.3-b, 7296-2.3-d
BOOST_AUTO_TEST_CASE(a_peer_with_a_larger_window_still_gets_one_request_at_a_time) {
    auto own = plain();
    own.children = policy::ChildrenShape::per_pair;
    own.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    ScriptedPeer peer(own);
    peer.be_called();
    peer.answer_greeting(request_of(peer, 1s).value());
    const auto auth = request_of(peer, 1s).value();
    auto payloads = peer.auth_answer(auth);
    payloads.emplace_back(
        NotifyPayload{.type = NotifyType::set_window_size, .data = {0, 0, 0, 16}});
    // <-- IKE_AUTH { IDr, AUTH, SA, TSi, TSr, N(SET_WINDOW_SIZE) }
    peer.answer(auth, payloads);
    // Three children are still to come.
    for (std::uint32_t i = 0; i < 3; ++i) {
        peer.pass(500ms);
        BOOST_REQUIRE(peer.requests.size() == 1u);
        const auto request = peer.requests.front();
        peer.requests.clear();
        BOOST_REQUIRE((request.header.exchange == ExchangeType::create_child_sa));
        const policy::ChildSpi spi{0xdddd0000 + i};
        peer.answer(request, acceptance(peer, request, spi));
        const auto larger =
            NotifyPayload{.type = NotifyType::set_window_size, .data = {0, 0, 1, 0}};
        const auto answer = peer.ask(ExchangeType::informational, {larger});
        BOOST_REQUIRE(answer.has_value());
        BOOST_TEST(answer->payloads.empty());
    }
    BOOST_TEST(peer.children() == 4u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
