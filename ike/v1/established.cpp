#include "ike/v1/established.h"

#include "ike/peer_address.h"
#include "ike/rekey_collision.h"
#include "ike/v1/dead_peer_detection.h"
#include "ike/v1/delete_sa.h"
#include "ike/v1/informational.h"
#include "ike/v1/quick_mode_initiator.h"
#include "ike/v1/quick_mode_responder.h"
#include "ike/v1/succession.h"
#include "ike/v1/timers.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v1 {

namespace {

using wire::ExchangeType;

/// How often the end of an exchange is said again to one who repeats what it answers.
constexpr std::size_t most_over = 128;

/// The initiator replaces phase 1; its peer does so when that has not happened in half the margin.
TimePoint replacement_time(Role role, const Lifetime& lifetime) {
    if (role == Role::initiator)
        return lifetime.replace_at;
    return lifetime.replace_at + (lifetime.expire_at - lifetime.replace_at) / 2;
}

void repeat_end(Turn& turn, const IkeSaFacts& facts, Established& sa, QuickModeOver& mode,
                std::span<const std::uint8_t> octets) {
    if (!std::ranges::equal(mode.received, octets)) {
        ++turn.dropped.unexpected;
        return;
    }
    ++turn.dropped.repeated;
    turn.send(facts.path, mode.answer);
    told_of_child(turn, sa, mode.child, false);
}

void on_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa,
                   const wire::v1::EncryptedMessage& message,
                   std::span<const std::uint8_t> octets) {
    const auto id = message.header.message_id;
    if (const auto over = std::ranges::find(sa.over, id, &QuickModeOver::id); over != sa.over.end())
        repeat_end(turn, facts, sa, *over, octets);
    else if (sa.asked && sa.asked->id == id)
        consume_quick_mode_response(turn, facts, sa, message, octets);
    else if (std::ranges::contains(sa.answered, id, &QuickModeAnswered::id))
        consume_quick_mode_confirmation(turn, facts, sa, message, octets);
    else
        answer_quick_mode(turn, facts, sa, message, octets);
    if (sa.over.size() > most_over)
        sa.over.erase(sa.over.begin());
    // What came up after the others had gone follows them.
    if (sa.superseded)
        give_children(turn, sa);
}

/// A message of phase 1, which is over: the peer has not heard our last one.
void on_phase_one(Turn& turn, const IkeSaFacts& facts, Established& sa, const Received& received) {
    if (sa.last && std::ranges::equal(sa.last->received, received.octets)) {
        ++turn.dropped.repeated;
        turn.send(facts.path, sa.last->answer);
    } else {
        ++turn.dropped.unexpected;
    }
}

void repeat_what_is_due(Turn& turn, IkeSaFacts& facts, Established& sa) {
    if (sa.asked && sa.asked->request.timer.deadline() <= turn.now)
        repeat_quick_mode(turn, facts, sa);
    std::vector<wire::MessageId> answered;
    for (const auto& each : sa.answered)
        if (each.answer.timer.deadline() <= turn.now)
            answered.push_back(each.id);
    for (const auto id : answered)
        repeat_quick_mode_answer(turn, facts, sa, id);
    repeat_child_deletes(turn, facts, sa);
    std::erase_if(sa.over, [&](const QuickModeOver& each) { return each.until <= turn.now; });
    if (sa.last && sa.last_until <= turn.now)
        sa.last.reset();
}

IsakmpSaState peer_is_dead(Turn& turn, const IkeSaFacts& facts, Established sa) {
    const cause::PeerDead why{sa.questioned->timer.attempts()};
    forget_isakmp_sa(turn, facts, std::move(sa), why);
    return Gone{};
}

} // namespace

Established establish(Turn& turn, IkeSaFacts& facts, PhaseOneResult made) {
    const auto& ike = made.connection->ike;
    const auto lifetime = lifetime_from(turn.now, made.lifetime, ike.rekey, turn.rng);
    Established sa{.connection = std::move(made.connection),
                   .peer_id = std::move(made.peer_id),
                   .keys = std::move(made.keys),
                   .peer = std::move(made.peer),
                   .lowest_nonce = lowest_nonce(made.nonce_i, made.nonce_r),
                   .last = std::move(made.last)};
    sa.last_until = turn.now + answer_time;
    sa.established = turn.now;
    sa.last_heard = turn.now;
    sa.confirmed = made.confirmed;
    sa.replace_at = replacement_time(facts.role, lifetime);
    sa.expire_at = lifetime.expire_at;
    turn.report(IkeSaEstablished{sa.connection->name, facts.role, facts.initiator_spi,
                                 facts.responder_spi, facts.path, sa.peer_id, sa.keys.suite});
    turn.outcomes.emplace_back(outcome::Up{.connection = sa.connection->name,
                                           .childless = std::nullopt,
                                           .has_child = false,
                                           .initial_contact = made.initial_contact,
                                           .peer = sa.peer_id});
    // Once the endpoint knows that the connection is up, and has moved children here. Who answered
    // leaves the first word to the peer.
    if (facts.role == Role::initiator)
        sa.create_children_at = turn.now;
    else
        create_children_later(turn, sa);
    return sa;
}

void shorten_lifetime(const Turn& turn, const IkeSaFacts& facts, Established& sa,
                      std::uint64_t seconds) {
    if (facts.role != Role::initiator)
        return;
    // From now on, since what is over already could not be replaced in time.
    const auto& ike = sa.connection->ike;
    const auto shorter =
        lifetime_from(turn.now, shorter_of(ike.lifetime, seconds), ike.rekey, turn.rng);
    if (shorter.expire_at >= sa.expire_at)
        return;
    sa.expire_at = shorter.expire_at;
    sa.replace_at = std::min(sa.replace_at, shorter.replace_at);
}

void inherit(Turn& turn, IkeSaFacts& facts, Established& sa, std::vector<Child> children,
             std::vector<QuickModeWanted> waiting) {
    sa.superseded = false;
    for (auto& child : children) {
        turn.child_spis.assign(child.inbound_spi, child.id, facts.own_spi());
        const auto id = child.id;
        sa.children.push_back(std::move(child));
        settle_succession(turn, sa, id);
    }
    for (auto& wanted : waiting)
        sa.waiting.push_back(std::move(wanted));
    start_waiting_quick_mode(turn, facts, sa);
}

void mind_message_ids(const Turn& turn, Established& sa) {
    if (sa.ids.are_running_out() && !std::exchange(sa.ids_running_out, true))
        sa.replace_at = std::min(sa.replace_at, turn.now);
    if (sa.ids.are_exhausted())
        sa.expire_at = std::min(sa.expire_at, turn.now);
}

IsakmpSaState on_message(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received) {
    const auto& header = wire::v1::header_of(received.message);
    const auto* message = std::get_if<wire::v1::EncryptedMessage>(&received.message);
    if (header.exchange == ExchangeType::identity_protection ||
        header.exchange == ExchangeType::aggressive) {
        on_phase_one(turn, facts, sa, received);
        return sa;
    }
    if (!message || header.message_id == wire::MessageId{}) {
        ++turn.dropped.unexpected;
        return sa;
    }
    const auto heard = sa.last_heard;
    if (header.exchange == ExchangeType::informational_v1)
        return consume_informational(turn, facts, std::move(sa), *message, received.path);
    if (header.exchange != ExchangeType::quick_mode) {
        ++turn.dropped.unexpected;
        return sa;
    }
    on_quick_mode(turn, facts, sa, *message, received.octets);
    if (sa.last_heard != heard)
        follow_peer(facts, received.path);
    return sa;
}

IsakmpSaState on_deadline(Turn& turn, IkeSaFacts& facts, Established sa) {
    if (sa.questioned && sa.questioned->timer.deadline() <= turn.now) {
        if (sa.questioned->timer.on_deadline(turn.now) == Retransmission::Verdict::give_up)
            return peer_is_dead(turn, facts, std::move(sa));
        turn.report(Retransmitted{sa.connection->name, ExchangeType::informational_v1,
                                  sa.questioned->timer.attempts()});
        repeat_question(turn, facts, sa);
    }
    if (sa.expire_at <= turn.now)
        return expire(turn, facts, std::move(sa));
    repeat_what_is_due(turn, facts, sa);
    tend_children(turn, facts, sa);
    if (!sa.superseded && sa.replace_at <= turn.now) {
        // Should nothing come of it, it is asked for again.
        sa.replace_at = turn.now + rekey_again_time;
        turn.outcomes.emplace_back(outcome::WantsReplacement{sa.connection->name});
    }
    if (sa.create_children_at && *sa.create_children_at <= turn.now)
        create_missing_children(turn, facts, sa);
    if (const auto due = liveness_due(sa); due && *due <= turn.now)
        begin_liveness_check(turn, facts, sa);
    return sa;
}

} // namespace viaduct::ike::v1
