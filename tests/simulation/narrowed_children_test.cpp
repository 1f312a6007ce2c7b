// Peers that take less than is asked for: one pair of selectors in a child, and not always the same
// (RFC 7296 section 2.9).
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(narrowed_children)

namespace {

using Selectors = std::vector<policy::TrafficSelector>;

/// The endpoint's side has two subnets and the peer's one.
policy::Connection two_pairs() {
    auto own = short_children();
    own.local_selectors = subnets({"192.168.11.0/24"});
    own.remote_selectors = subnets({"192.168.30.0/24", "192.168.40.0/24"});
    return own;
}

/// An answer of which only this subnet of the endpoint's side is left.
Payloads narrowed(Payloads answer, const Selectors& left) {
    for (auto& each : answer)
        if (auto* ts = std::get_if<TsPayload>(&each); ts && ts->side == TsPayload::Side::initiator)
            ts->selectors = left;
    return answer;
}

std::vector<Selectors> protected_by(const ScriptedPeer& peer) {
    std::vector<Selectors> out;
    for (const auto& sa : peer.status().ike_sas)
        for (const auto& child : sa.children)
            out.push_back(child.local_selectors);
    return out;
}

/// Deletes are agreed to, children narrowed to `left` or, without it, taken as they are asked for.
void answer_all(ScriptedPeer& peer, std::uint32_t first_spi,
                const std::optional<Selectors>& left = std::nullopt) {
    while (const auto request = request_of(peer, 1s)) {
        Payloads answer;
        if (request->header.exchange == ExchangeType::create_child_sa) {
            answer = acceptance(peer, *request, policy::ChildSpi{first_spi++});
            if (left)
                answer = narrowed(std::move(answer), *left);
        }
        peer.answer(*request, answer);
    }
}

} // namespace

// covers story-OT02
BOOST_AUTO_TEST_CASE(a_peer_that_takes_one_pair_and_another_in_a_rekey_gets_a_child_for_each) {
    const auto own = two_pairs();
    const auto first = Selectors{own.remote_selectors[0]};
    const auto second = Selectors{own.remote_selectors[1]};
    ScriptedPeer peer(own);
    peer.be_called();
    peer.answer_greeting(peer.requests.back());
    const auto auth = peer.requests.back();
    peer.requests.clear();
    auto answer = narrowed(peer.auth_answer(auth), first);
    answer.push_back(notify(NotifyType::additional_ts_possible));
    peer.answer(auth, answer);
    answer_all(peer, 0xeeee0001);
    BOOST_REQUIRE(protected_by(peer).size() == 2u);
    BOOST_TEST(std::ranges::contains(protected_by(peer), first));
    BOOST_TEST(std::ranges::contains(protected_by(peer), second));

    // Whichever child is rekeyed first, the peer takes the other pair now.
    std::optional<Heard> rekey;
    while (!rekey) {
        rekey = request_of(peer, 10min);
        BOOST_REQUIRE(rekey.has_value());
        BOOST_REQUIRE(rekey_of(*rekey));
        const auto* ts = find<TsPayload>(rekey->payloads);
        BOOST_REQUIRE(ts);
        if (ts->selectors.size() == 1) {
            peer.answer(*rekey, acceptance(peer, *rekey, policy::ChildSpi{0xeeee1001}));
            rekey.reset();
            answer_all(peer, 0xeeee2001);
        }
    }
    peer.answer(*rekey, narrowed(acceptance(peer, *rekey, new_spi), second));
    answer_all(peer, 0xeeee3001);
    BOOST_TEST(std::ranges::contains(protected_by(peer), first));
    BOOST_TEST(std::ranges::contains(protected_by(peer), second));
    BOOST_TEST(peer.is_up());
}

// covers story-OT02
BOOST_AUTO_TEST_CASE(what_a_peer_leaves_of_a_child_is_taken_and_shown) {
    const auto own = two_pairs();
    const auto second = Selectors{own.remote_selectors[1]};
    ScriptedPeer peer(own);
    peer.be_called();
    peer.answer_greeting(peer.requests.back());
    const auto auth = peer.requests.back();
    peer.requests.clear();
    peer.answer(auth, narrowed(peer.auth_answer(auth), second));
    BOOST_TEST(peer.is_up());
    BOOST_TEST((protected_by(peer) == std::vector<Selectors>{second}));
    // The successor is asked for with everything, and narrowed again.
    const auto rekey = request_of(peer, 10min);
    BOOST_REQUIRE(rekey.has_value());
    const auto* ts = find<TsPayload>(rekey->payloads);
    BOOST_REQUIRE(ts);
    BOOST_TEST(ts->selectors.size() == 2u);
    const auto first = Selectors{own.remote_selectors[0]};
    peer.answer(*rekey, narrowed(acceptance(peer, *rekey, new_spi), first));
    answer_all(peer, 0xeeee0001);
    BOOST_TEST((protected_by(peer) == std::vector<Selectors>{first}));
    BOOST_TEST(peer.is_up());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
