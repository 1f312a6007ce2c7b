// Rekeys that cross, in every order in which requests, responses and Deletes may come: each with
// the nonces that decide (RFC 7296 sections 2.8.1, 2.8.2 and 2.25).
#include "ike/crypto/key_exchange.h"
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(rekey_collisions)

namespace {

const Octets lowest(32, 0), highest(32, 0xff);
constexpr std::uint16_t p256 = 19, x25519 = 31;
/// What the peer's first request for a child makes.
constexpr policy::ChildSpi peers_new{0xd0000001};
constexpr ike::wire::IkeSpi peers_ike{0x7777777777777777};

Payload key_exchange(ScriptedPeer& peer, std::uint16_t group) {
    const auto made =
        ike::crypto::KeyExchange::generate(policy::KeyExchangeMethod{group}, peer.rng).value();
    const auto value = made.public_value();
    return KeyExchangePayload{group, {value.begin(), value.end()}};
}

Payload other_group(std::uint16_t group) {
    return NotifyPayload{
        .type = NotifyType::invalid_ke_payload,
        .data = {static_cast<std::uint8_t>(group >> 8), static_cast<std::uint8_t>(group)}};
}

/// The peer's request, and our answer to it.
Heard rekeyed_by_peer(ScriptedPeer& peer, policy::ChildSpi old, const Octets& nonce) {
    auto payloads = rekey_request(peer, old);
    std::get<NoncePayload>(payloads.at(2)).data = nonce;
    auto heard = peer.ask(ExchangeType::create_child_sa, payloads).value();
    BOOST_REQUIRE(!heard.error().has_value());
    return heard;
}

Payloads with_nonce(Payloads payloads, const Octets& nonce) {
    for (auto& each : payloads)
        if (auto* found = std::get_if<NoncePayload>(&each))
            found->data = nonce;
    return payloads;
}

/// Deletes of the endpoint's, answered until it is silent.
std::vector<policy::ChildSpi> deletes_of(ScriptedPeer& peer, ike::TimePoint::duration time) {
    std::vector<policy::ChildSpi> out;
    const auto end = peer.now + time;
    while (peer.now < end) {
        const auto request = request_of(peer, 1s);
        if (!request)
            continue;
        BOOST_TEST((request->header.exchange == ExchangeType::informational));
        const auto spis = request->deleted();
        out.insert(out.end(), spis.begin(), spis.end());
        peer.answer(*request, {});
    }
    return out;
}

policy::ChildSpi offered_spi(const Heard& request) {
    std::uint32_t spi = 0;
    for (const auto octet : find<SaPayload>(request.payloads)->proposals.at(0).spi)
        spi = spi << 8 | octet;
    return policy::ChildSpi{spi};
}

Payloads ike_rekey(ScriptedPeer& peer, std::uint16_t group, const Octets& nonce) {
    return {SaPayload{{{1, Octets(8, 0x77), peer.own.ike.proposals.front()}}}, NoncePayload{nonce},
            key_exchange(peer, group)};
}

/// What the peer says to a request for a new IKE SA.
Payloads ike_acceptance(ScriptedPeer& peer, const Heard& request, const Octets& nonce) {
    const auto* offered = find<SaPayload>(request.payloads);
    const auto group = find<KeyExchangePayload>(request.payloads)->method;
    const policy::Transform wanted{policy::TransformType::key_exchange, group, std::nullopt};
    for (const auto& each : offered->proposals)
        if (std::ranges::contains(each.proposal.transforms, wanted))
            return {SaPayload{{{each.number, Octets(8, 0x99), each.proposal}}}, NoncePayload{nonce},
                    key_exchange(peer, group)};
    BOOST_FAIL("KE and SA do not fit");
    return {};
}

/// Those of the connection that stand, by the initiator's SPI.
std::vector<ike::wire::IkeSpi> standing(const ScriptedPeer& peer) {
    std::vector<ike::wire::IkeSpi> out;
    for (const auto& each : peer.status().ike_sas)
        if (each.established)
            out.push_back(each.initiator_spi);
    return out;
}

struct Crossing {
    explicit Crossing(policy::Connection own = short_children()) : peer(std::move(own)) {
        peer.establish();
        old = spis(peer);
        request = request_of(peer, 20min).value();
    }
    ScriptedPeer peer;
    Spis old;
    Heard request;
};

policy::Connection two_groups() {
    auto own = short_children();
    own.esp.proposals = esp_proposals({"aes128gcm16-x25519-ecp256"});
    return own;
}

policy::Connection two_ike_groups() {
    auto own = short_ike();
    own.ike.proposals =
        ike_proposals({"aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-ecp256"});
    return own;
}

} // namespace

// covers story-CR03
BOOST_AUTO_TEST_CASE(what_the_peer_has_replaced_is_not_rekeyed) {
    ScriptedPeer peer(short_children());
    peer.establish();
    const auto old = spis(peer);
    peer.pass(8min);
    rekeyed_by_peer(peer, old.theirs, highest);
    peer.pass(119s);
    BOOST_TEST(peer.requests.empty());
    const auto removed = peer.ask(ExchangeType::informational, {removal(old.theirs)});
    BOOST_REQUIRE(removed.has_value());
    BOOST_TEST((removed->deleted() == std::vector{old.ours}));
    peer.pass(10s);
    BOOST_TEST(has_child(peer, peers_new));
    BOOST_TEST(peer.children() == 1u);
}

// covers story-CR05
BOOST_AUTO_TEST_CASE(the_responder_deletes_the_new_child) {
    Crossing c;
    c.peer.answer(c.request, acceptance(c.peer, c.request, new_spi));
    const auto removed = c.peer.ask(ExchangeType::informational, {removal(new_spi)});
    BOOST_REQUIRE(removed.has_value());
    BOOST_TEST((removed->deleted() == std::vector{offered_spi(c.request)}));
    BOOST_TEST((deletes_of(c.peer, 1min) == std::vector{c.old.ours}));
    BOOST_TEST(c.peer.children() == 0u);
}

// covers story-CR09, story-CR16
BOOST_AUTO_TEST_CASE(the_peer_deletes_its_part_before_we_have_its_response) {
    for (const bool ours_loses : {false, true}) {
        Crossing c;
        rekeyed_by_peer(c.peer, c.old.theirs, ours_loses ? highest : lowest);
        // The old child goes by who made the survivor, the loser by who made it.
        const auto part = ours_loses ? c.old.theirs : peers_new;
        BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(part)}).has_value());
        c.peer.answer(c.request, with_nonce(acceptance(c.peer, c.request, new_spi),
                                            ours_loses ? lowest : highest));
        const auto deleted = deletes_of(c.peer, 1min);
        BOOST_TEST((deleted == std::vector{ours_loses ? offered_spi(c.request) : c.old.ours}));
        BOOST_TEST(has_child(c.peer, ours_loses ? peers_new : new_spi));
        BOOST_TEST(c.peer.children() == 1u);
    }
    // It lost, and deletes the old child all the same.
    Crossing c;
    rekeyed_by_peer(c.peer, c.old.theirs, lowest);
    BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(c.old.theirs)}).has_value());
    c.peer.answer(c.request, with_nonce(acceptance(c.peer, c.request, new_spi), highest));
    BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(peers_new)}).has_value());
    BOOST_TEST(deletes_of(c.peer, 1min).empty());
    BOOST_TEST(has_child(c.peer, new_spi));
    BOOST_TEST(c.peer.children() == 1u);
}

// covers story-CR25
BOOST_AUTO_TEST_CASE(the_peer_keeps_what_lost_and_has_a_newer_one_before_it_is_deleted) {
    Crossing c;
    rekeyed_by_peer(c.peer, c.old.theirs, lowest);
    c.peer.answer(c.request, with_nonce(acceptance(c.peer, c.request, new_spi), highest));
    BOOST_TEST((deletes_of(c.peer, 15s) == std::vector{c.old.ours}));
    BOOST_TEST(c.peer.children() == 2u);
    const auto again = request_of(c.peer, 10s);
    BOOST_REQUIRE(again.has_value());
    BOOST_REQUIRE(rekey_of(*again));
    BOOST_TEST((rekey_of(*again)->spi == spi_octets(offered_spi(c.request))));
    const policy::ChildSpi newest{0xd0000002};
    c.peer.answer(*again, acceptance(c.peer, *again, newest));
    const auto deleted = deletes_of(c.peer, 1min);
    BOOST_TEST(deleted.size() == 2u);
    BOOST_TEST(std::ranges::contains(deleted, offered_spi(c.request)));
    BOOST_TEST(has_child(c.peer, newest));
    BOOST_TEST(c.peer.children() == 1u);
}

// covers story-CR10
BOOST_AUTO_TEST_CASE(the_peer_deletes_the_survivor_too_before_we_have_its_response) {
    Crossing c;
    rekeyed_by_peer(c.peer, c.old.theirs, lowest);
    for (const auto spi : {peers_new, new_spi})
        BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(spi)}).has_value());
    c.peer.answer(c.request, with_nonce(acceptance(c.peer, c.request, new_spi), highest));
    BOOST_TEST((deletes_of(c.peer, 1min) == std::vector{c.old.ours}));
    BOOST_TEST(c.peer.children() == 0u);
}

// covers story-CR13, story-CR19
BOOST_AUTO_TEST_CASE(a_late_request_finds_no_child_and_is_not_repeated) {
    for (const bool peer_rekeyed : {false, true}) {
        Crossing c;
        std::vector<policy::ChildSpi> gone{c.old.theirs};
        if (peer_rekeyed) {
            rekeyed_by_peer(c.peer, c.old.theirs, highest);
            gone.push_back(peers_new);
        }
        for (const auto spi : gone)
            BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(spi)}).has_value());
        auto lost = *rekey_of(c.request);
        lost.type = NotifyType::child_sa_not_found;
        c.peer.answer(c.request, {lost});
        BOOST_TEST(c.peer.children() == 0u);
        c.peer.pass(1h);
        for (const auto& each : c.peer.requests)
            BOOST_TEST((each.header.exchange != ExchangeType::create_child_sa));
        BOOST_TEST(c.peer.children() == 0u);
    }
}

// covers story-CR24
BOOST_AUTO_TEST_CASE(ours_is_refused_and_the_peers_is_accepted) {
    Crossing c;
    rekeyed_by_peer(c.peer, c.old.theirs, lowest);
    c.peer.answer(c.request, {notify(NotifyType::ts_unacceptable)});
    BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(c.old.theirs)}).has_value());
    c.peer.pass(1min);
    BOOST_TEST(c.peer.requests.empty());
    BOOST_TEST(has_child(c.peer, peers_new));
    BOOST_TEST(c.peer.children() == 1u);
}

// covers story-CR14, story-CR15
BOOST_AUTO_TEST_CASE(both_try_another_group_and_cross_again) {
    enum class Case { ours_loses, ours_wins, ours_late };
    for (const auto each : {Case::ours_loses, Case::ours_wins, Case::ours_late}) {
        Crossing c(two_groups());
        const auto first = rekey_of(c.request);
        BOOST_REQUIRE(first);
        BOOST_REQUIRE((find<KeyExchangePayload>(c.request.payloads)->method == x25519));
        const auto request_with = [&](std::uint16_t group, const Octets& nonce) {
            auto payloads = with_nonce(rekey_request(c.peer, c.old.theirs), nonce);
            auto& transforms =
                std::get<SaPayload>(payloads.at(1)).proposals.at(0).proposal.transforms;
            transforms.push_back({policy::TransformType::key_exchange, x25519, std::nullopt});
            payloads.push_back(key_exchange(c.peer, group));
            return c.peer.ask(ExchangeType::create_child_sa, payloads).value();
        };
        const auto refused = request_with(p256, lowest);
        BOOST_REQUIRE(refused.error().has_value());
        BOOST_TEST((refused.error()->type == NotifyType::invalid_ke_payload));
        c.peer.answer(c.request, {other_group(p256)});
        const auto second = request_of(c.peer, 1s);
        BOOST_REQUIRE(second.has_value());
        BOOST_REQUIRE((find<KeyExchangePayload>(second->payloads)->method == p256));
        const auto nonce = each == Case::ours_wins ? lowest : highest;
        BOOST_REQUIRE(!request_with(x25519, nonce).error().has_value());
        const policy::ChildSpi theirs{0xd0000002};
        if (each == Case::ours_late) {
            BOOST_REQUIRE(
                c.peer.ask(ExchangeType::informational, {removal(c.old.theirs)}).has_value());
            c.peer.answer(*second, {notify(NotifyType::temporary_failure)});
            BOOST_TEST(deletes_of(c.peer, 10s).empty());
        } else {
            auto answer = acceptance(c.peer, *second, new_spi);
            auto& transforms =
                std::get<SaPayload>(answer.at(0)).proposals.at(0).proposal.transforms;
            std::erase_if(transforms, [](const policy::Transform& transform) {
                return transform.type == policy::TransformType::key_exchange &&
                       transform.id != p256;
            });
            answer.push_back(key_exchange(c.peer, p256));
            const bool loses = each == Case::ours_loses;
            c.peer.answer(*second, with_nonce(std::move(answer), loses ? lowest : highest));
            const auto last = loses ? c.old.theirs : theirs;
            BOOST_TEST(
                (deletes_of(c.peer, 5s) == std::vector{loses ? offered_spi(*second) : c.old.ours}));
            BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {removal(last)}).has_value());
        }
        c.peer.pass(10s);
        BOOST_TEST(has_child(c.peer, each == Case::ours_wins ? new_spi : theirs));
        BOOST_TEST(c.peer.children() == 1u);
    }
}

// covers story-IR02
BOOST_AUTO_TEST_CASE(an_ike_sa_is_rekeyed_with_another_group) {
    // We ask.
    Crossing c(two_ike_groups());
    BOOST_REQUIRE((find<KeyExchangePayload>(c.request.payloads)->method == x25519));
    c.peer.answer(c.request, {other_group(p256)});
    const auto second = request_of(c.peer, 1s);
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST((find<KeyExchangePayload>(second->payloads)->method == p256));
    BOOST_TEST(standing(c.peer).size() == 1u);
    c.peer.answer(*second, ike_acceptance(c.peer, *second, highest));
    BOOST_REQUIRE(standing(c.peer).size() == 1u);
    BOOST_TEST(has_child(c.peer, c.old.theirs));
    BOOST_REQUIRE(!c.peer.requests.empty());
    BOOST_TEST((c.peer.requests.back().header.exchange == ExchangeType::informational));

    // The peer asks.
    ScriptedPeer peer(plain());
    peer.establish();
    const auto before = standing(peer);
    const auto refused =
        peer.ask(ExchangeType::create_child_sa, ike_rekey(peer, p256, highest)).value();
    BOOST_REQUIRE(refused.error().has_value());
    BOOST_TEST((refused.error()->type == NotifyType::invalid_ke_payload));
    BOOST_TEST((standing(peer) == before));
    const auto taken =
        peer.ask(ExchangeType::create_child_sa, ike_rekey(peer, x25519, highest)).value();
    BOOST_TEST(!taken.error().has_value());
    BOOST_TEST((standing(peer) == std::vector{peers_ike}));
    BOOST_TEST(peer.children() == 1u);
}

// covers 7296-2.8.2-b, story-IR04, story-IR05, story-IR09
BOOST_AUTO_TEST_CASE(crossing_ike_rekeys_are_decided_by_the_last_nonces) {
    enum class Case { ours_loses, ours_wins, ours_late };
    for (const bool refused_first : {false, true}) {
        for (const auto each : {Case::ours_loses, Case::ours_wins, Case::ours_late}) {
            Crossing c(two_ike_groups());
            const auto before = standing(c.peer);
            auto request = c.request;
            if (refused_first) {
                auto wrong = ike_rekey(c.peer, p256, lowest);
                const auto heard = c.peer.ask(ExchangeType::create_child_sa, wrong).value();
                BOOST_REQUIRE(heard.error().has_value());
                BOOST_TEST((heard.error()->type == NotifyType::invalid_ke_payload));
                c.peer.answer(request, {other_group(p256)});
                request = request_of(c.peer, 1s).value();
            }
            const auto nonce = each == Case::ours_wins ? lowest : highest;
            const auto heard =
                c.peer.ask(ExchangeType::create_child_sa, ike_rekey(c.peer, x25519, nonce)).value();
            BOOST_REQUIRE(!heard.error().has_value());
            if (each == Case::ours_late) {
                c.peer.answer(request, {notify(NotifyType::temporary_failure)});
                c.peer.pass(5s);
                BOOST_TEST(c.peer.requests.empty());
                BOOST_REQUIRE(c.peer.ask(ExchangeType::informational, {ike_removal()}).has_value());
            } else {
                const bool loses = each == Case::ours_loses;
                c.peer.answer(request, ike_acceptance(c.peer, request, loses ? lowest : highest));
                // The old one goes by who made the survivor.
                c.peer.pass(1s);
                BOOST_TEST(c.peer.requests.empty() == loses);
            }
            for (const auto& sa : c.peer.status().ike_sas)
                if (!sa.children.empty()) {
                    BOOST_TEST((sa.initiator_spi == peers_ike) == (each != Case::ours_wins));
                    BOOST_TEST((sa.initiator_spi != before.front()));
                }
            BOOST_TEST(has_child(c.peer, c.old.theirs));
            BOOST_TEST(c.peer.children() == 1u);
        }
    }
}

// covers story-IR15
BOOST_AUTO_TEST_CASE(the_old_ike_sa_makes_no_children_but_answers) {
    ScriptedPeer peer(plain());
    peer.establish();
    const auto old = spis(peer);
    BOOST_REQUIRE(!peer.ask(ExchangeType::create_child_sa, ike_rekey(peer, x25519, highest))
                       ->error()
                       .has_value());
    for (const auto& payloads : {peer.child_payloads(), rekey_request(peer, old.theirs)}) {
        const auto heard = peer.ask(ExchangeType::create_child_sa, payloads);
        BOOST_REQUIRE(heard.has_value());
        BOOST_REQUIRE(heard->error().has_value());
        BOOST_TEST((heard->error()->type == NotifyType::temporary_failure));
    }
    const auto alive = peer.ask(ExchangeType::informational, {});
    BOOST_REQUIRE(alive.has_value());
    BOOST_TEST(alive->payloads.empty());
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {ike_removal()}).has_value());
    BOOST_TEST((standing(peer) == std::vector{peers_ike}));
    BOOST_TEST(has_child(peer, old.theirs));
    BOOST_TEST(peer.children() == 1u);
}

// covers story-CR21
BOOST_AUTO_TEST_CASE(
    whoever_turned_an_ike_rekey_away_lets_it_pass_although_its_own_was_turned_away) {
    Crossing c;
    // <-- CREATE_CHILD_SA { N(REKEY_SA), … }     CREATE_CHILD_SA { SA, Ni, KE } -->
    const auto turned_away = c.peer.ask(ExchangeType::create_child_sa, c.peer.ike_rekey_payloads());
    BOOST_REQUIRE(turned_away.has_value());
    BOOST_TEST(turned_away->has(NotifyType::temporary_failure));
    c.peer.answer(c.request, {notify(NotifyType::temporary_failure)});
    BOOST_TEST(!request_of(c.peer, 8s).has_value());
    const auto rekeyed = c.peer.ask(ExchangeType::create_child_sa, c.peer.ike_rekey_payloads());
    BOOST_REQUIRE(rekeyed.has_value());
    BOOST_TEST(!rekeyed->error().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
