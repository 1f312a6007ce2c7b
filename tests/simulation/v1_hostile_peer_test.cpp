// What an authenticated peer over IKEv1, or somebody who repeats its messages, may say beside what
// is right.
#include "tests/simulation/v1_scripted_peer.h"

#include <algorithm>

namespace viaduct::simulation {

namespace {

namespace v1 = ike::wire::v1;
using v1::NotifyType;

constexpr auto interval = 10s;

OldScriptedPeer asked_peer() {
    auto own = OldScriptedPeer::peer_connection();
    own.dpd.interval = interval;
    return OldScriptedPeer(own);
}

v1::NotifyPayload question(const OldScriptedPeer& peer, std::uint32_t number) {
    return v1::dead_peer_detection(NotifyType::r_u_there, peer.cookies(), number);
}

std::uint64_t unexpected(const OldScriptedPeer& peer) {
    return peer.endpoint.status().dropped.unexpected;
}

/// For so long, answering each question as `answer` makes it of the number.
void live(OldScriptedPeer& peer, ike::TimePoint::duration time,
          const std::function<v1::NotifyPayload(std::uint32_t number)>& answer) {
    std::size_t seen = peer.heard.size();
    for (const auto end = peer.now + time; peer.now < end; peer.pass(1s))
        for (; seen < peer.heard.size(); ++seen)
            if (const auto* asked = peer.heard[seen].notify(NotifyType::r_u_there))
                peer.inform({answer(*v1::sequence_number(*asked))});
}

} // namespace

BOOST_AUTO_TEST_SUITE(v1_hostile_peer)

// covers 3706-6.1-b
BOOST_AUTO_TEST_CASE(an_answer_counts_with_the_number_and_the_cookies_of_the_question) {
    const auto lives = [](auto make_answer) {
        auto peer = asked_peer();
        peer.establish();
        live(peer, 3min, [&](std::uint32_t number) { return make_answer(peer, number); });
        const bool alive = !peer.status().ike_sas.empty();
        BOOST_TEST((unexpected(peer) > 0) == !alive);
        return alive;
    };
    const auto ack = [](const v1::Cookies& cookies, std::uint32_t number) {
        return v1::dead_peer_detection(NotifyType::r_u_there_ack, cookies, number);
    };
    BOOST_TEST(lives([&](const auto& peer, auto number) { return ack(peer.cookies(), number); }));
    BOOST_TEST(
        !lives([&](const auto& peer, auto number) { return ack(peer.cookies(), number - 1); }));
    BOOST_TEST(
        !lives([&](const auto& peer, auto number) { return ack(peer.cookies(), number + 1); }));
    BOOST_TEST(!lives([&](const auto& peer, auto number) {
        const auto right = peer.cookies();
        return ack({right.responder, right.initiator}, number);
    }));
    BOOST_TEST(!lives([&](const auto&, auto number) { return ack({}, number); }));
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_asked_for_puts_no_question_off) {
    auto peer = asked_peer();
    peer.establish();
    for (unsigned i = 0; i < 10; ++i) {
        peer.inform({v1::dead_peer_detection(NotifyType::r_u_there_ack, peer.cookies(), i)});
        peer.pass(1s);
    }
    peer.pass(1s);
    const auto* last = peer.last(ike::wire::ExchangeType::informational_v1);
    BOOST_REQUIRE(last);
    BOOST_TEST(last->notify(NotifyType::r_u_there));
    BOOST_TEST(unexpected(peer) == 10u);
}

BOOST_AUTO_TEST_CASE(a_question_about_another_sa_is_not_answered) {
    OldScriptedPeer peer;
    peer.establish();
    const auto before = peer.heard.size();
    peer.inform({v1::dead_peer_detection(NotifyType::r_u_there, {}, 1)});
    BOOST_TEST(peer.heard.size() == before);
    BOOST_TEST(unexpected(peer) == 1u);
    peer.inform({question(peer, 1)});
    BOOST_TEST(peer.heard.size() == before + 1);
}

// However many exchanges there were since.
// covers 2409-5.7-a
BOOST_AUTO_TEST_CASE(no_message_is_heard_twice_while_the_sa_lasts) {
    OldScriptedPeer peer;
    peer.establish();
    const auto first = peer.informational({question(peer, 1)}, ike::wire::MessageId{0xabcdef});
    peer.send(first);
    const auto answer = peer.heard.back().octets;
    for (std::uint32_t number = 2; number < 5000; ++number) {
        peer.inform({question(peer, number)});
        peer.heard.clear();
    }
    peer.pass(1s);
    const auto heard_at = peer.status().ike_sas.front().last_heard;
    const auto repeated = peer.endpoint.status().dropped.repeated;
    peer.send(first);
    // Our own message, sent back to us.
    peer.send(answer);
    BOOST_TEST(peer.endpoint.status().dropped.repeated == repeated + 2);
    BOOST_TEST(peer.heard.empty());
    BOOST_TEST((peer.status().ike_sas.front().last_heard == heard_at));
}

BOOST_AUTO_TEST_CASE(an_sa_whose_message_ids_run_out_is_replaced_and_ends) {
    OldScriptedPeer peer;
    peer.establish();
    const auto ask_until = [&](std::uint32_t last) {
        // An answer takes an ID too.
        static std::uint32_t number;
        for (number = last == 8191 ? 1 : number; number <= last; ++number) {
            peer.heard.clear();
            peer.inform({question(peer, number)});
        }
        peer.pass(1ms);
    };
    ask_until(8191);
    BOOST_TEST(!peer.last(ike::wire::ExchangeType::aggressive));
    ask_until(8192);
    // AGGRESSIVE { SA, KE, … }, with no responder's cookie yet.
    const auto* begun = peer.last(ike::wire::ExchangeType::aggressive);
    BOOST_REQUIRE(begun);
    BOOST_TEST((begun->header.responder_spi == ike::wire::IkeSpi{}));
    const auto established = [&] {
        return std::ranges::count_if(peer.status().ike_sas,
                                     [](const auto& each) { return each.established; });
    };
    ask_until(16383);
    BOOST_TEST(established() == 1);
    ask_until(16384);
    BOOST_TEST(established() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
