#include "ike/connection_upkeep.h"
#include "tests/simulation/connections.h"

#include <boost/test/unit_test.hpp>
#include <botan/chacha_rng.h>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(connection_upkeep)

namespace {

using namespace std::chrono_literals;

struct Upkeep {
    explicit Upkeep(policy::DpdAction action = policy::DpdAction::restart)
        : connection([&] {
              auto c = simulation::left_vpn();
              c.dpd.action = action;
              return std::make_shared<const policy::Connection>(std::move(c));
          }()),
          upkeep(connection, now) {}

    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 5)};
    TimePoint now{1h};
    ConnectionPtr connection;
    ConnectionUpkeep upkeep;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_wanted_connection_is_tried_at_once_and_ever_more_slowly_up_to_a_minute) {
    Upkeep u;
    BOOST_TEST(!u.upkeep.next_attempt().has_value());
    u.upkeep.want(u.now);
    BOOST_TEST((u.upkeep.next_attempt() == u.now));
    for (const auto expected : {2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}) {
        u.upkeep.on_attempt(u.now);
        BOOST_TEST(!u.upkeep.next_attempt().has_value());
        u.upkeep.on_attempt_failed(u.now, cause::NoResponse{}, u.rng);
        const auto wait = *u.upkeep.next_attempt() - u.now;
        BOOST_TEST((wait >= expected * 3 / 4 && wait <= expected * 5 / 4));
        u.now = *u.upkeep.next_attempt();
    }
    BOOST_TEST((u.upkeep.status().state == ConnectionState::waiting));
}

BOOST_AUTO_TEST_CASE(one_that_is_not_wanted_is_tried_once) {
    Upkeep u;
    u.upkeep.want(u.now);
    u.upkeep.on_attempt(u.now);
    u.upkeep.unwant(u.now, cause::ClosedByOperator{});
    u.upkeep.on_attempt_failed(u.now, cause::NoResponse{}, u.rng);
    BOOST_TEST(!u.upkeep.next_attempt().has_value());
    BOOST_TEST((u.upkeep.status().state == ConnectionState::down));
}

BOOST_AUTO_TEST_CASE(a_dead_peer_is_called_at_once) {
    Upkeep u;
    u.upkeep.want(u.now);
    u.upkeep.on_up(u.now);
    u.now += 1s;
    u.upkeep.on_down(u.now, cause::PeerDead{}, false, u.rng);
    BOOST_TEST((u.upkeep.next_attempt() == u.now));
}

// covers story-RB01
BOOST_AUTO_TEST_CASE(a_peer_that_closes_at_once_again_and_again_is_called_ever_more_slowly) {
    Upkeep u;
    u.upkeep.want(u.now);
    TimePoint::duration last{};
    for (int i = 0; i < 5; ++i) {
        u.upkeep.on_up(u.now);
        u.upkeep.on_down(u.now, cause::ClosedByPeer{}, false, u.rng);
        const auto wait = *u.upkeep.next_attempt() - u.now;
        BOOST_TEST((wait > last));
        last = wait;
        u.now = *u.upkeep.next_attempt();
    }
    u.upkeep.on_up(u.now);
    u.now += 1h;
    u.upkeep.on_down(u.now, cause::ClosedByPeer{}, false, u.rng);
    BOOST_TEST((*u.upkeep.next_attempt() - u.now < 3s));
}

BOOST_AUTO_TEST_CASE(a_dead_peer_is_forgotten_where_the_action_is_clear) {
    Upkeep u(policy::DpdAction::clear);
    u.upkeep.want(u.now);
    u.upkeep.on_up(u.now);
    u.upkeep.on_down(u.now, cause::PeerDead{}, false, u.rng);
    BOOST_TEST(!u.upkeep.next_attempt().has_value());
    BOOST_TEST(!u.upkeep.wanted());
}

BOOST_AUTO_TEST_CASE(it_stays_up_while_another_sa_carries_it) {
    Upkeep u;
    u.upkeep.want(u.now);
    u.upkeep.on_up(u.now);
    u.upkeep.on_down(u.now, cause::ReplacedByPeer{}, true, u.rng);
    BOOST_TEST((u.upkeep.status().state == ConnectionState::up));
    BOOST_TEST(!u.upkeep.status().reason.has_value());
}

BOOST_AUTO_TEST_CASE(only_the_last_messages_are_kept) {
    Upkeep u;
    for (int i = 0; i < 100; ++i)
        u.upkeep.note_message(std::to_string(i));
    const auto messages = u.upkeep.status().messages;
    BOOST_TEST(messages.size() == 16u);
    BOOST_TEST(messages.back() == "99");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
