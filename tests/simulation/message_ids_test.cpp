// The message IDs of an IKE SA come to an end (RFC 7296 section 2.2).
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(message_ids)

namespace {

constexpr std::uint32_t last_id = 40;

bool rekeys_ike_sa(const Heard& heard) {
    const auto* sa = find<SaPayload>(heard.payloads);
    return sa && sa->proposals.front().proposal.protocol == policy::ProtocolId::ike;
}

bool deletes_ike_sa(const Heard& heard) {
    const auto* found = find<DeletePayload>(heard.payloads);
    return found && found->protocol == policy::ProtocolId::ike;
}

/// Asks until the endpoint asks for something itself.
Heard what_the_endpoint_wants(ScriptedPeer& peer) {
    for (;;) {
        peer.pass(10ms);
        if (!peer.requests.empty()) {
            auto heard = peer.requests.front();
            peer.requests.clear();
            return heard;
        }
        BOOST_REQUIRE(peer.sa().next_id <= last_id);
        BOOST_REQUIRE(peer.ask(ExchangeType::informational, {}).has_value());
    }
}

} // namespace

// covers 7296-2.2-b
BOOST_AUTO_TEST_CASE(at_half_of_the_message_ids_the_ike_sa_is_rekeyed) {
    ScriptedPeer peer(plain(), {.last_message_id = last_id});
    peer.establish();
    const auto rekey = what_the_endpoint_wants(peer);
    BOOST_TEST(rekeys_ike_sa(rekey));
    BOOST_TEST(peer.sa().next_id == last_id / 2 + 1);
    peer.answer(rekey, peer.ike_rekey_answer(rekey));
    const auto farewell = what_the_endpoint_wants(peer);
    BOOST_TEST(deletes_ike_sa(farewell));
    peer.answer(farewell, {});
    peer.current = peer.sas.size() - 1;
    BOOST_TEST(peer.ask(ExchangeType::informational, {}).has_value());
    BOOST_TEST(peer.is_up());
    BOOST_TEST(peer.children() == 1u);
    BOOST_TEST(peer.status().ike_sas.size() == 1u);
}

// covers 7296-2.2-b
BOOST_AUTO_TEST_CASE(an_ike_sa_that_cannot_be_rekeyed_ends_with_its_message_ids) {
    ScriptedPeer peer(plain(), {.last_message_id = last_id});
    peer.establish();
    auto heard = what_the_endpoint_wants(peer);
    BOOST_REQUIRE(rekeys_ike_sa(heard));
    while (!deletes_ike_sa(heard)) {
        BOOST_REQUIRE(rekeys_ike_sa(heard));
        peer.answer(heard, {notify(NotifyType::no_proposal_chosen)});
        heard = what_the_endpoint_wants(peer);
    }
    BOOST_TEST(peer.sa().next_id == last_id);
    BOOST_TEST(peer.children() == 0u);
}

// covers 7296-2.2-b
BOOST_AUTO_TEST_CASE(the_endpoints_own_requests_count_too) {
    auto own = plain();
    own.dpd.interval = 10s;
    ScriptedPeer peer(own, {.last_message_id = last_id});
    peer.establish();
    std::optional<Heard> heard;
    bool rekeyed = false;
    while ((heard = request_of(peer, 1min)) && !deletes_ike_sa(*heard)) {
        BOOST_REQUIRE(static_cast<std::uint32_t>(heard->header.message_id) < last_id);
        rekeyed = rekeyed || rekeys_ike_sa(*heard);
        peer.answer(*heard, rekeys_ike_sa(*heard) ? Payloads{notify(NotifyType::no_proposal_chosen)}
                                                  : Payloads{});
    }
    BOOST_TEST(rekeyed);
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(static_cast<std::uint32_t>(heard->header.message_id) == last_id);
    BOOST_TEST(peer.children() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
