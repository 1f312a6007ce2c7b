#include "ike/v2/create_child_initiator.h"

#include "ike/rekey_collision.h"
#include "ike/v2/child_negotiation.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/exchange_order.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/key_agreement.h"
#include "ike/v2/passing_failure.h"
#include "ike/v2/rekey_child.h"
#include "ike/v2/transport_mode.h"
#include "ike/v2/wanted_children.h"
#include "ike/wire/v2_message_rules.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using purpose::CreateChild;
using wire::ExchangeType;
using wire::NotifyType;

wire::NotifyPayload rekey_notify(policy::ChildSpi spi) {
    auto notify = plain_notify(NotifyType::rekey_sa);
    notify.protocol = policy::ProtocolId::esp;
    notify.spi = spi_octets(spi);
    return notify;
}

Cause refused(const CreateChild& purpose, NotifyType notify) {
    cause::PeerRefused refused{ExchangeType::create_child_sa, notify, {}, {}, {}};
    if (notify == NotifyType::no_proposal_chosen || notify == NotifyType::invalid_ke_payload)
        refused.our_proposals = purpose.offer.proposals;
    if (notify == NotifyType::ts_unacceptable || notify == NotifyType::single_pair_required) {
        refused.our_local_selectors = purpose.offer.selectors.local;
        refused.our_remote_selectors = purpose.offer.selectors.remote;
    }
    return refused;
}

bool wants_single_pairs(NotifyType notify) {
    return notify == NotifyType::single_pair_required || notify == NotifyType::ts_unacceptable;
}

/// A further child was refused. What comes back is why the IKE SA must end.
std::optional<Cause> further_child_refused(Turn& turn, IkeSaFacts& facts, Established& sa,
                                           const CreateChild& purpose, NotifyType notify,
                                           Refusal refusal) {
    const bool several = wanted_children(*sa.connection, true).size() > 1;
    if (wants_single_pairs(notify) && !sa.per_pair && several) {
        sa.per_pair = true;
        create_missing_children(turn, facts, sa);
        return std::nullopt;
    }
    // RFC 7296 4: the peer makes children in IKE_AUTH only.
    if (notify == NotifyType::no_additional_sas && carries_nothing(sa))
        return refused(purpose, notify);
    const auto retry = create_children_later(turn, sa, refusal);
    turn.outcomes.emplace_back(outcome::ChildFailed{sa.connection->name, Role::initiator,
                                                    refused(purpose, notify), retry});
    return std::nullopt;
}

/// What comes back is why the IKE SA must end.
std::optional<Cause> refuse(Turn& turn, IkeSaFacts& facts, Established& sa, CreateChild purpose,
                            const wire::NotifyPayload& notify) {
    // Once: a peer that wants another group each time would keep us busy for ever.
    if (notify.type == NotifyType::invalid_ke_payload && !purpose.group) {
        if (const auto group = other_group(notify, purpose.offer.proposals, purpose.key_exchange)) {
            request(turn, facts, sa,
                    CreateChild{.selectors = std::move(purpose.selectors),
                                .rekeyed = purpose.rekeyed,
                                .group = group});
            return std::nullopt;
        }
    }
    // What the peer made meanwhile stands alone.
    if (purpose.rival && std::ranges::contains(sa.children, purpose.rival->made, &ChildState::id))
        return std::nullopt;
    // RFC 7296 2.25: for a further child alone no child that works is given up.
    const bool in_vain = note_answer(sa, turn.now, notify.type);
    if (in_vain && (purpose.rekeyed || carries_nothing(sa)))
        return refused(purpose, notify.type);
    const bool passing = notify.type == NotifyType::temporary_failure && !in_vain;
    if (!purpose.rekeyed)
        return further_child_refused(turn, facts, sa, purpose, notify.type,
                                     passing ? Refusal::passing : Refusal::lasting);
    child_rekey_refused(turn, facts, sa, *purpose.rekeyed, notify.type,
                        refused(purpose, notify.type));
    return std::nullopt;
}

/// The lower nonce was in our exchange: what we made goes, and never comes into use.
bool lost(const Established& sa, const CreateChild& purpose, const AgreedChild& agreed,
          const wire::Octets& peer_nonce) {
    if (!purpose.rival ||
        !gives_way(lowest_nonce(purpose.nonce, peer_nonce), purpose.rival->lowest_nonce))
        return false;
    // What the peer made may have been refused here, or have a successor by now.
    const ChildSelectors needed{agreed.selectors.local(), agreed.selectors.remote()};
    return std::ranges::any_of(sa.children, [&](const ChildState& each) {
        return each.in_use() && each.id != purpose.rekeyed && protects(each, needed);
    });
}

/// The peer's Delete of what it made overtook its answer: nothing is made. What was to be replaced
/// stands until another successor takes its place; not where the peer had replaced it itself, and
/// wants neither.
void forget_deleted(Turn& turn, IkeSaFacts& facts, Established& sa, const CreateChild& purpose) {
    turn.child_spis.retire(purpose.offer.inbound_spi, turn.now);
    if (purpose.rekeyed && purpose.rival)
        close_child(turn, facts, sa, *purpose.rekeyed, cause::ClosedByPeer{});
    else if (purpose.rekeyed)
        child_rekey_refused(turn, facts, sa, *purpose.rekeyed, NotifyType::temporary_failure,
                            cause::ClosedByPeer{});
    if (sa.connection->close == policy::CloseAction::restart && !missing_children(sa).empty())
        create_children_later(turn, sa);
    if (carries_nothing(sa))
        turn.outcomes.emplace_back(outcome::Childless{sa.connection->name, cause::ClosedByPeer{}});
}

void accept(Turn& turn, IkeSaFacts& facts, Established& sa, const CreateChild& purpose,
            const AgreedChild& agreed, const wire::CreateChildResponse& response,
            const policy::Secret& shared_secret) {
    if (std::ranges::contains(purpose.deleted, agreed.outbound_spi)) {
        forget_deleted(turn, facts, sa, purpose);
        return;
    }
    if (lost(sa, purpose, agreed, response.nonce.data)) {
        turn.child_spis.retire(purpose.offer.inbound_spi, turn.now);
        request(turn, facts, sa, purpose::DeleteChildren{{purpose.offer.inbound_spi}});
        return;
    }
    auto child = install_child(
        turn, facts, *sa.connection, agreed,
        {sa.keys.suite.prf, sa.sk_d, shared_secret, purpose.nonce, response.nonce.data},
        {.exchange_role = Role::initiator,
         .wanted = purpose.selectors,
         .predecessor = purpose.rekeyed});
    if (!child) {
        turn.child_spis.retire(purpose.offer.inbound_spi, turn.now);
        request(turn, facts, sa, purpose::DeleteChildren{{purpose.offer.inbound_spi}});
        turn.outcomes.emplace_back(outcome::ChildFailed{sa.connection->name, Role::initiator,
                                                        child.error(), std::nullopt});
        return;
    }
    sa.children.push_back(std::move(*child));
    sa.create_failures = 0;
    sa.lastingly_refused = false;
    if (purpose.rival)
        mark_redundant(turn, sa, purpose.rival->made);
    const bool has_old =
        purpose.rekeyed && std::ranges::contains(sa.children, *purpose.rekeyed, &ChildState::id);
    if (has_old)
        replace_child(turn, facts, sa, *purpose.rekeyed);
    else
        turn.outcomes.emplace_back(outcome::ChildUp{sa.connection->name});
    // RFC 7296 2.9: the peer would take the rest in children of their own.
    if (!has_old && contains(response.notifies, NotifyType::additional_ts_possible))
        sa.per_pair = true;
    // A successor may have another pair than what it replaces.
    if (sa.per_pair)
        create_missing_children(turn, facts, sa);
}

} // namespace

std::optional<std::vector<wire::Payload>> begin_create_child(Turn& turn, const IkeSaFacts& facts,
                                                             const Established& sa,
                                                             CreateChild& purpose) {
    const ChildState* old = nullptr;
    if (purpose.rekeyed) {
        const auto found = std::ranges::find(sa.children, *purpose.rekeyed, &ChildState::id);
        // While the request waited, the peer may have made a successor.
        if (found == sa.children.end() || !found->in_use() || successor_of(sa, *purpose.rekeyed))
            return std::nullopt;
        old = &*found;
    } else if (std::ranges::any_of(sa.children, [&](const ChildState& each) {
                   return each.in_use() &&
                          (each.wanted == purpose.selectors || protects(each, purpose.selectors));
               })) {
        // While the request waited, the peer made what was missing.
        return std::nullopt;
    }
    purpose.offer = offer_child(turn, facts, *sa.connection, purpose.selectors,
                                policy::KeyExchangeKind::negotiated);
    purpose.nonce = draw_nonce(turn);
    purpose.key_exchange = offered_key_exchange(turn, purpose.offer.proposals, purpose.group);

    std::vector<wire::Payload> payloads;
    if (old)
        payloads.emplace_back(rekey_notify(old->inbound_spi));
    append_mode(payloads, purpose.offer.mode);
    payloads.emplace_back(sa_payload(purpose.offer));
    payloads.emplace_back(wire::NoncePayload{purpose.nonce});
    if (purpose.key_exchange)
        payloads.emplace_back(key_exchange_payload(*purpose.key_exchange));
    payloads.emplace_back(ts_initiator(purpose.selectors.local));
    payloads.emplace_back(ts_responder(purpose.selectors.remote));
    return payloads;
}

std::optional<Cause> consume_create_child_response(Turn& turn, IkeSaFacts& facts, Established& sa,
                                                   CreateChild purpose,
                                                   std::vector<wire::Payload> payloads) {
    const auto answer = wire::read_create_child_response(std::move(payloads));
    const auto spi = purpose.offer.inbound_spi;
    if (!answer) {
        turn.child_spis.release(spi);
        return violation(ExchangeType::create_child_sa, answer.error().to_string());
    }
    if (const auto* refusal = std::get_if<wire::CreateChildRefusal>(&*answer)) {
        turn.child_spis.release(spi);
        const auto* error = first_error(refusal->notifies);
        if (!error)
            return violation(ExchangeType::create_child_sa, "a response with neither SA nor error");
        // RFC 7296 2.21.3: the peer could not read our request; the IKE SA is of no use.
        if (error->type == NotifyType::invalid_syntax)
            return refused(purpose, error->type);
        return refuse(turn, facts, sa, std::move(purpose), *error);
    }
    note_answer(sa, turn.now, std::nullopt);
    const auto& response = std::get<wire::CreateChildResponse>(*answer);
    std::expected<AgreedChild, Cause> agreed =
        std::unexpected(violation(ExchangeType::create_child_sa, "TS is missing"));
    if (response.ts_initiator && response.ts_responder)
        agreed = consume_child_answer(ExchangeType::create_child_sa, purpose.offer, response.sa,
                                      *response.ts_initiator, *response.ts_responder);
    if (const auto mode =
            answered_mode(ExchangeType::create_child_sa, purpose.offer.mode, response.notifies);
        !mode)
        agreed = std::unexpected(mode.error());
    else if (agreed)
        agreed->mode = *mode;
    auto secret = agreed.and_then([&](const AgreedChild& each) {
        return agree_on_secret(turn, each.suite.key_exchange, purpose.key_exchange,
                               response.key_exchange);
    });
    if (!secret) {
        // The peer believes in the child: it has to be told that there is none.
        turn.child_spis.retire(spi, turn.now);
        request(turn, facts, sa, purpose::DeleteChildren{{spi}});
        if (purpose.rekeyed)
            child_rekey_refused(turn, facts, sa, *purpose.rekeyed, NotifyType::no_proposal_chosen,
                                secret.error());
        else
            turn.outcomes.emplace_back(outcome::ChildFailed{sa.connection->name, Role::initiator,
                                                            secret.error(),
                                                            create_children_later(turn, sa)});
        return std::nullopt;
    }
    accept(turn, facts, sa, purpose, *agreed, response, *secret);
    return std::nullopt;
}

} // namespace viaduct::ike::v2
