#include "ike/v2/established.h"

#include "ike/v2/create_child_initiator.h"
#include "ike/v2/create_child_responder.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/exchange_message.h"
#include "ike/v2/exchange_order.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/fragmentation.h"
#include "ike/v2/informational.h"
#include "ike/v2/liveness_check.h"
#include "ike/v2/message_ids.h"
#include "ike/v2/rekey_child.h"
#include "ike/v2/rekey_ike.h"
#include "ike/v2/timers.h"
#include "ike/v2/wanted_children.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using wire::ExchangeType;

/// What a request is answered with, and whether the IKE SA goes on.
struct Answer {
    std::vector<wire::Payload> payloads;
    /// Set when the IKE SA ends with this response.
    std::optional<Cause> end;
};

Answer answer_undecodable(ExchangeType exchange, const wire::DecodeError& error) {
    auto notify = failure_notify(error);
    // RFC 7296 2.21.3: INVALID_SYNTAX after the integrity check ends the IKE SA on both sides.
    const bool fatal = notify.type == wire::NotifyType::invalid_syntax;
    Answer answer{{std::move(notify)}, std::nullopt};
    if (fatal)
        answer.end = cause::ProtocolViolation{exchange, error.to_string()};
    return answer;
}

Answer answer_request(Turn& turn, IkeSaFacts& facts, Established& sa, ExchangeType exchange,
                      std::vector<wire::Payload> payloads) {
    switch (exchange) {
    case ExchangeType::informational: {
        auto answered = answer_informational(turn, facts, sa, std::move(payloads));
        if (!answered)
            return answer_undecodable(exchange, answered.error());
        return {std::move(answered->payloads), std::move(answered->end)};
    }
    case ExchangeType::create_child_sa: {
        auto answered = answer_create_child(turn, facts, sa, std::move(payloads));
        if (!answered)
            return answer_undecodable(exchange, answered.error());
        return {std::move(*answered), std::nullopt};
    }
    default:
        return answer_undecodable(
            exchange, {wire::DecodeFault::bad_value, 0, 0, "exchange type of an established SA"});
    }
}

/// The last response goes out when everything is done: with it the peer forgets its inbound SAs, so
/// that what another IKE SA carries on must have left them by then.
IkeSaState end(Turn& turn, const IkeSaFacts& facts, Established sa, Cause why) {
    bequeath_to_rival(turn, sa);
    const auto path = sa.last_response_path;
    Lingering lingering{.answered =
                            wire::MessageId{static_cast<std::uint32_t>(sa.expected_request) - 1},
                        .response = std::move(sa.last_response),
                        .until = turn.now + lingering_time};
    report_closed(turn, facts, sa, std::move(why));
    turn.send(path, lingering.response);
    return lingering;
}

/// While it is not decided which of two IKE SAs inherits, a request about children cannot be
/// answered rightly: unanswered, it comes again.
bool must_wait(const Established& sa, ExchangeType exchange, const OpenedMessage& opened) {
    const auto* authentic = std::get_if<AuthenticatedPayloads>(&opened.result);
    if (sa.standing != Standing::contending || !authentic)
        return false;
    const auto deletes_children = [](const wire::Payload& payload) {
        const auto* each = std::get_if<wire::DeletePayload>(&payload);
        return each && each->protocol != policy::ProtocolId::ike;
    };
    return exchange == ExchangeType::create_child_sa ||
           std::ranges::any_of(authentic->payloads(), deletes_children);
}

IkeSaState answer_fresh(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received) {
    const auto& header = received.outer.header;
    auto opened = open(turn, facts, sa.keys, received, sa.connection->name);
    if (std::holds_alternative<OpenedMessage::NotAuthentic>(opened.result))
        return sa;
    sa.last_heard = turn.now;
    sa.confirmed = true;
    if (must_wait(sa, header.exchange, opened))
        return sa;
    // RFC 7296 2.8: window 1, so that a new request shows that our last response arrived.
    const auto waiting = waiting_children(sa);
    Answer answer;
    if (const auto* error = std::get_if<wire::DecodeError>(&opened.result))
        answer = answer_undecodable(header.exchange, *error);
    else
        answer = answer_request(turn, facts, sa, header.exchange,
                                std::move(std::get<AuthenticatedPayloads>(opened.result)).take());
    auto response = seal(turn, facts, sa.keys, header.exchange, MessageKind::response,
                         header.message_id, answer.payloads, sa.connection->name);
    if (!response) {
        report_closed(turn, facts, sa, cause::LocalFault{"a response could not be sealed"});
        return Gone{};
    }
    sa.last_response = std::move(*response);
    // RFC 7296 2.11: to where the request came from, which may not be where we send our own.
    sa.last_response_path = received.path;
    sa.expected_request = following(header.message_id);
    if (answer.end)
        return end(turn, facts, std::move(sa), std::move(*answer.end));
    turn.send(received.path, sa.last_response);
    activate_children(turn, facts, sa, waiting);
    note_message_id(turn, sa, header.message_id);
    if (out_of_message_ids(turn, sa))
        return close_ike_sa(turn, facts, std::move(sa), cause::LifetimeReached{});
    return sa;
}

IkeSaState on_request(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received) {
    switch (judge_request(sa, received.outer.header.message_id)) {
    case RequestVerdict::fresh: return answer_fresh(turn, facts, std::move(sa), received);
    case RequestVerdict::repeated:
        ++turn.dropped.repeated;
        answer_again(turn, facts, sa, received);
        return sa;
    case RequestVerdict::outside: break;
    }
    ++turn.dropped.bad_message_id;
    return sa;
}

/// What a response means, by what the request was for. What comes back is why the IKE SA must end.
struct HandleResponse {
    using End = std::optional<Cause>;
    Turn& turn;
    IkeSaFacts& facts;
    Established& sa;
    std::vector<wire::Payload> payloads;
    std::optional<wire::DecodeError> error = std::nullopt;

    // That the peer answered is the answer.
    End operator()(const purpose::LivenessCheck&) { return unread(); }
    End operator()(purpose::CreateChild& purpose) {
        if (error) {
            turn.child_spis.release(purpose.offer.inbound_spi);
            return violation();
        }
        return consume_create_child_response(turn, facts, sa, std::move(purpose),
                                             std::move(payloads));
    }
    End operator()(const purpose::DeleteChildren& purpose) {
        children_deleted(turn, sa, purpose.spis);
        return unread();
    }
    End operator()(purpose::RekeyIkeSa& purpose) {
        if (error)
            return violation();
        return consume_ike_rekey_response(turn, facts, sa, std::move(purpose), std::move(payloads));
    }
    End operator()(const purpose::DeleteIkeSa&) { return {}; }

    /// RFC 7296 2.21.3: to a peer that could not read our request the IKE SA is over.
    End unread() const {
        for (const auto& each : payloads) {
            const auto* notify = std::get_if<wire::NotifyPayload>(&each);
            if (notify && notify->type == wire::NotifyType::invalid_syntax)
                return cause::PeerRefused{ExchangeType::informational, notify->type, {}, {}, {}};
        }
        return {};
    }
    Cause violation() const {
        return cause::ProtocolViolation{ExchangeType::create_child_sa, error->to_string()};
    }
};

IkeSaState on_response(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received) {
    const auto& header = received.outer.header;
    if (!sa.under_way || sa.under_way->id != header.message_id ||
        sa.under_way->exchange != header.exchange) {
        ++turn.dropped.bad_message_id;
        return sa;
    }
    auto opened = open(turn, facts, sa.keys, received, sa.connection->name);
    if (std::holds_alternative<OpenedMessage::NotAuthentic>(opened.result))
        return sa;
    sa.last_heard = turn.now;
    sa.confirmed = true;
    auto purpose = std::move(*sa.under_way_purpose);
    sa.under_way.reset();
    sa.under_way_purpose.reset();
    if (std::holds_alternative<purpose::DeleteIkeSa>(purpose))
        return Gone{};
    if (const auto* rekey = std::get_if<purpose::RekeyIkeSa>(&purpose); rekey && sa.closing) {
        if (auto* payloads = std::get_if<AuthenticatedPayloads>(&opened.result))
            abandon_ike_rekey(turn, facts, sa, *rekey, std::move(*payloads).take());
    } else if (!sa.closing) {
        HandleResponse handle{turn, facts, sa, {}};
        if (auto* payloads = std::get_if<AuthenticatedPayloads>(&opened.result))
            handle.payloads = std::move(*payloads).take();
        else
            handle.error = std::get<wire::DecodeError>(opened.result);
        if (auto why = std::visit(handle, purpose))
            return close_ike_sa(turn, facts, std::move(sa), std::move(*why));
    }
    note_message_id(turn, sa, header.message_id);
    if (!sa.closing && out_of_message_ids(turn, sa))
        return close_ike_sa(turn, facts, std::move(sa), cause::LifetimeReached{});
    start_waiting_request(turn, facts, sa);
    return sa;
}

IkeSaState retransmit(Turn& turn, IkeSaFacts& facts, Established sa) {
    auto& request = *sa.under_way;
    if (request.timer.on_deadline(turn.now) == Retransmission::Verdict::send_again) {
        turn.report(Retransmitted{sa.connection->name, request.exchange, request.timer.attempts()});
        send_again(turn, facts, sa.keys, request);
        return sa;
    }
    if (!sa.closing)
        report_closed(turn, facts, sa, cause::PeerDead{request.timer.attempts()});
    return Gone{};
}

} // namespace

Established establish(Turn& turn, Role role, ConnectionPtr connection, policy::Identity peer,
                      MessageKeys keys, policy::Secret sk_d) {
    const auto& ike = connection->ike;
    const auto lifetime = lifetime_from(turn.now, ike.lifetime, ike.rekey, turn.rng);
    const bool initiator = role == Role::initiator;
    Established sa{.connection = std::move(connection),
                   .peer = std::move(peer),
                   .keys = std::move(keys),
                   .sk_d = std::move(sk_d)};
    sa.next_request = wire::MessageId{initiator ? 2u : 0u};
    sa.expected_request = wire::MessageId{initiator ? 0u : 2u};
    sa.first_role = role;
    sa.confirmed = initiator;
    sa.established = turn.now;
    sa.last_heard = turn.now;
    sa.replace_at = lifetime.replace_at;
    sa.expire_at = lifetime.expire_at;
    sa.per_pair = sa.connection->children == policy::ChildrenShape::per_pair;
    return sa;
}

void inherit(Turn& turn, IkeSaFacts& facts, Established& sa, std::vector<ChildState> children,
             std::vector<RequestPurpose> waiting) {
    sa.standing = Standing::carrying;
    sa.patience_until.reset();
    for (auto& child : children) {
        turn.child_spis.assign(child.inbound_spi, child.id, facts.own_spi());
        sa.children.push_back(std::move(child));
    }
    for (auto& purpose : waiting)
        if (!std::holds_alternative<purpose::RekeyIkeSa>(purpose))
            sa.waiting.push_back(std::move(purpose));
    create_missing_children(turn, facts, sa);
    start_waiting_request(turn, facts, sa);
}

void announce(Turn& turn, const IkeSaFacts& facts, const Established& sa) {
    turn.report(IkeSaEstablished{sa.connection->name, facts.role, facts.initiator_spi,
                                 facts.responder_spi, facts.path, sa.peer, sa.keys.suite});
}

IkeSaState on_message(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received) {
    const auto& header = received.outer.header;
    if (header.initiator != (facts.role == Role::responder)) {
        ++turn.dropped.unexpected;
        return sa;
    }
    if (header.response)
        return on_response(turn, facts, std::move(sa), received);
    return on_request(turn, facts, std::move(sa), received);
}

IkeSaState on_deadline(Turn& turn, IkeSaFacts& facts, Established sa) {
    if (sa.under_way && sa.under_way->timer.deadline() <= turn.now)
        return retransmit(turn, facts, std::move(sa));
    // Closing with nothing under way: the farewell could not be sent.
    if (sa.closing)
        return sa.under_way ? IkeSaState(std::move(sa)) : IkeSaState(Gone{});
    if (sa.patience_until && *sa.patience_until <= turn.now)
        return close_ike_sa(turn, facts, std::move(sa), cause::Replaced{});
    if (sa.expire_at <= turn.now || (sa.authentication_ends && *sa.authentication_ends <= turn.now))
        return close_ike_sa(turn, facts, std::move(sa), cause::LifetimeReached{});
    if (sa.standing != Standing::carrying)
        return sa;
    if (sa.empty_until && *sa.empty_until <= turn.now)
        return close_ike_sa(turn, facts, std::move(sa), cause::NoChildLeft{});
    if (sa.reauthenticate_at && *sa.reauthenticate_at <= turn.now) {
        // Should nothing come of it, it is asked for again.
        sa.reauthenticate_at = turn.now + rekey_again_time;
        turn.outcomes.emplace_back(outcome::WantsReplacement{sa.connection->name});
    }
    if (sa.replace_at <= turn.now) {
        // Should nothing come of it, it is looked at again.
        sa.replace_at = turn.now + rekey_again_time;
        rekey_ike_sa(turn, facts, sa);
    }
    tend_children(turn, facts, sa);
    if (sa.create_children_at && *sa.create_children_at <= turn.now)
        create_missing_children(turn, facts, sa);
    if (const auto due = liveness_due(sa); due && *due <= turn.now)
        begin_liveness_check(turn, facts, sa);
    return sa;
}

} // namespace viaduct::ike::v2
