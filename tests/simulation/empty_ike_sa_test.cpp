// An IKE SA that has lost its last child: it waits for another, but not for ever.
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(empty_ike_sas)

namespace {

void lose_the_child(ScriptedPeer& peer) {
    peer.pass(1s);
    // INFORMATIONAL { D } -->
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {removal(spis(peer).theirs)}).has_value());
    BOOST_REQUIRE(peer.children() == 0u);
}

bool stands(const ScriptedPeer& peer) {
    const auto sas = peer.status().ike_sas;
    return sas.size() == 1 && sas.front().established;
}

void check_that_it_ends(ScriptedPeer& peer) {
    const auto farewell = request_of(peer, 10min);
    // <-- INFORMATIONAL { D }
    BOOST_REQUIRE(farewell.has_value());
    const auto* removed = find<DeletePayload>(farewell->payloads);
    BOOST_REQUIRE(removed != nullptr);
    BOOST_TEST((removed->protocol == policy::ProtocolId::ike));
    peer.answer(*farewell, {});
    BOOST_TEST(peer.status().ike_sas.empty());
    BOOST_REQUIRE(peer.status().reason.has_value());
    BOOST_TEST(ike::code(*peer.status().reason) == "no_child_left");
    BOOST_TEST((peer.status().state == ike::ConnectionState::down));
}

} // namespace

// covers story-RB06
BOOST_AUTO_TEST_CASE(it_ends_when_nobody_asks_for_another_child) {
    ScriptedPeer peer(plain());
    peer.establish();
    lose_the_child(peer);
    peer.pass(4min);
    BOOST_TEST(stands(peer));
    BOOST_TEST(peer.requests.empty());
    check_that_it_ends(peer);
}

// covers story-RB06
BOOST_AUTO_TEST_CASE(it_ends_where_the_connection_is_not_to_be_called_again) {
    auto own = plain();
    own.close = policy::CloseAction::clear;
    ScriptedPeer peer(own);
    peer.be_called_and_agree();
    lose_the_child(peer);
    check_that_it_ends(peer);
    peer.pass(1h);
    BOOST_TEST(peer.requests.empty());
}

BOOST_AUTO_TEST_CASE(a_rekey_gives_it_no_more_time) {
    ScriptedPeer peer(plain());
    peer.establish();
    lose_the_child(peer);
    peer.pass(3min);
    const auto rekeyed = peer.ask(ExchangeType::create_child_sa, peer.ike_rekey_payloads());
    BOOST_REQUIRE(rekeyed.has_value());
    peer.ask(ExchangeType::informational, {ike_removal()});
    peer.take_successor(*rekeyed);
    peer.pass(1min);
    BOOST_TEST(stands(peer));
    BOOST_TEST(request_of(peer, 90s).has_value());
    BOOST_TEST(!stands(peer));
}

BOOST_AUTO_TEST_CASE(a_child_in_time_keeps_it) {
    ScriptedPeer peer(plain());
    peer.establish();
    lose_the_child(peer);
    peer.pass(4min);
    // CREATE_CHILD_SA { SA, Ni, TSi, TSr } -->
    const auto made = peer.ask(ExchangeType::create_child_sa, peer.child_payloads());
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST(!made->error().has_value());
    peer.pass(10min);
    BOOST_TEST(stands(peer));
    BOOST_TEST(peer.children() == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_is_to_stay_up_asks_for_another_child_instead) {
    ScriptedPeer peer(plain());
    peer.be_called_and_agree();
    lose_the_child(peer);
    for (const auto end = peer.now + 20min; peer.now < end;) {
        const auto request = request_of(peer, 2min);
        BOOST_REQUIRE(request.has_value());
        BOOST_REQUIRE((request->header.exchange == ExchangeType::create_child_sa));
        peer.answer(*request, {notify(NotifyType::ts_unacceptable)});
    }
    BOOST_TEST(stands(peer));
}

BOOST_AUTO_TEST_CASE(one_that_was_made_without_a_child_waits_for_it) {
    auto own = plain();
    own.ike.childless = policy::ChildlessUse::force;
    ScriptedPeer peer(own);
    peer.greet();
    auto payloads = peer.auth_payloads();
    std::erase_if(payloads, [](const Payload& each) {
        return std::holds_alternative<SaPayload>(each) || std::holds_alternative<TsPayload>(each);
    });
    BOOST_REQUIRE(!peer.ask(ExchangeType::ike_auth, payloads).value().error());
    peer.pass(1h);
    BOOST_TEST(stands(peer));
    BOOST_TEST(peer.requests.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
