// The scripted peer holds what it says it holds: without it, stories with it would prove nothing.
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(scripted_peer)

BOOST_AUTO_TEST_CASE(it_answers_an_endpoint_that_initiates) {
    ScriptedPeer peer(plain());
    peer.be_called_and_agree();
    BOOST_TEST(peer.is_up());
    BOOST_TEST(peer.ask(ExchangeType::informational, {}).has_value());
}

BOOST_AUTO_TEST_CASE(it_has_the_keys_of_the_successor_it_asked_for) {
    ScriptedPeer peer(plain());
    peer.establish();
    peer.take_successor(peer.ask(ExchangeType::create_child_sa, peer.ike_rekey_payloads()).value());
    peer.current = 1;
    BOOST_TEST(peer.ask(ExchangeType::informational, {}).has_value());
}

BOOST_AUTO_TEST_CASE(it_has_the_keys_of_the_successor_it_agreed_to) {
    ScriptedPeer peer(plain());
    peer.establish();
    peer.command(ike::Rekey{peer.own.name, ike::Rekey::What::ike_sas});
    const auto request = peer.requests.at(0);
    peer.answer(request, peer.ike_rekey_answer(request));
    peer.current = 1;
    BOOST_TEST(peer.ask(ExchangeType::informational, {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
