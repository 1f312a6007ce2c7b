#include "ike/v2/create_child_responder.h"

#include "ike/rekey_collision.h"
#include "ike/v2/child_negotiation.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/key_agreement.h"
#include "ike/v2/passing_failure.h"
#include "ike/v2/rekey_ike.h"
#include "ike/v2/transport_mode.h"
#include "ike/v2/wanted_children.h"
#include "ike/wire/v2_message_rules.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using wire::ExchangeType;
using wire::NotifyType;
using Payloads = std::vector<wire::Payload>;

wire::DecodeError bad_value(std::string_view where) {
    return {wire::DecodeFault::bad_value, 0, 0, where};
}

const wire::NotifyPayload* rekey_notify(const wire::CreateChildRequest& request) {
    const auto found =
        std::ranges::find(request.notifies, NotifyType::rekey_sa, &wire::NotifyPayload::type);
    return found == request.notifies.end() ? nullptr : &*found;
}

/// RFC 7296 2.25: the notify names the SA that is not there.
wire::NotifyPayload not_found(const wire::NotifyPayload& rekey) {
    auto notify = plain_notify(NotifyType::child_sa_not_found);
    notify.protocol = rekey.protocol;
    notify.spi = rekey.spi;
    return notify;
}

/// Our own exchange under way that makes the same child as the peer's, if there is one.
purpose::CreateChild* crossing(Established& sa, std::optional<policy::ChildSaId> rekeyed,
                               const AgreedChild& agreed) {
    auto* ours = under_way<purpose::CreateChild>(sa);
    if (!ours || ours->rekeyed != rekeyed)
        return nullptr;
    if (rekeyed)
        return ours;
    const bool same = agreed.selectors.local() == ours->selectors.local &&
                      agreed.selectors.remote() == ours->selectors.remote;
    return same ? ours : nullptr;
}

Payloads refuse(Turn& turn, const Established& sa, Cause why) {
    auto notify = failure_notify(why);
    // RFC 7296 2.21.3: INVALID_SYNTAX would end the IKE SA; here only the child is refused.
    if (notify.type == NotifyType::invalid_syntax)
        notify = plain_notify(NotifyType::no_proposal_chosen);
    turn.outcomes.emplace_back(
        outcome::ChildFailed{sa.connection->name, Role::responder, std::move(why), std::nullopt});
    return {std::move(notify)};
}

/// How many there are, where they are too many for another. A rekey is refused to who keeps all the
/// old ones alone.
std::optional<std::size_t> too_many_children(const Turn& turn, const Established& sa,
                                             std::optional<policy::ChildSaId> rekeyed) {
    const auto limit = turn.settings.child_sa_limit;
    const auto in_use =
        static_cast<std::size_t>(std::ranges::count_if(sa.children, &ChildState::in_use));
    if (sa.children.size() >= 2 * limit)
        return sa.children.size();
    return !rekeyed && in_use >= limit ? std::optional(in_use) : std::nullopt;
}

Payloads answer_child_request(Turn& turn, IkeSaFacts& facts, Established& sa,
                              const wire::CreateChildRequest& request,
                              std::optional<policy::ChildSaId> rekeyed) {
    const auto preferred = request.key_exchange
                               ? policy::KeyExchangeMethod{request.key_exchange->method}
                               : policy::KeyExchangeMethod::none;
    auto agreed = answer_child(ExchangeType::create_child_sa, *sa.connection, request.sa,
                               *request.ts_initiator, *request.ts_responder, preferred);
    if (!agreed)
        return refuse(turn, sa, agreed.error());
    auto exchanged = answer_key_exchange(turn, agreed->suite.key_exchange, request.key_exchange);
    if (!exchanged)
        return refuse(turn, sa, exchanged.error());
    if (exchanged->other_group)
        return {*exchanged->other_group};

    auto nonce = draw_nonce(turn);
    agreed->inbound_spi = turn.child_spis.draw(turn.rng);
    agreed->mode = chosen_mode(facts, *sa.connection, agreed->selectors, request.notifies);
    const ChildSelectors needed{agreed->selectors.local(), agreed->selectors.remote()};
    const bool has_another_way = std::ranges::any_of(sa.children, [&](const ChildState& each) {
        return each.in_use() && !each.waiting_outbound && protects(each, needed);
    });
    auto child = install_child(
        turn, facts, *sa.connection, *agreed,
        {sa.keys.suite.prf, sa.sk_d, exchanged->shared_secret, request.nonce.data, nonce},
        {.exchange_role = Role::responder,
         .wanted = {request.ts_responder->selectors, request.ts_initiator->selectors},
         .predecessor = rekeyed,
         .outbound_waits = rekeyed || has_another_way ||
                           turn.is_carried_elsewhere(sa.connection->name, facts.own_spi())});
    if (!child) {
        turn.child_spis.release(agreed->inbound_spi);
        return refuse(turn, sa, child.error());
    }
    if (auto* ours = crossing(sa, rekeyed, *agreed))
        ours->rival = Rival<policy::ChildSaId>{child->id, lowest_nonce(request.nonce.data, nonce)};
    sa.children.push_back(std::move(*child));
    note_agreement(sa);
    if (!rekeyed)
        turn.outcomes.emplace_back(outcome::ChildUp{sa.connection->name});

    Payloads payloads;
    append_mode(payloads, agreed->mode);
    payloads.emplace_back(sa_payload(*agreed));
    payloads.emplace_back(wire::NoncePayload{std::move(nonce)});
    if (exchanged->payload)
        payloads.emplace_back(std::move(*exchanged->payload));
    payloads.emplace_back(ts_initiator(agreed->selectors.remote()));
    payloads.emplace_back(ts_responder(agreed->selectors.local()));
    return payloads;
}

} // namespace

std::expected<Payloads, wire::DecodeError> answer_create_child(Turn& turn, IkeSaFacts& facts,
                                                               Established& sa, Payloads payloads) {
    const auto request = wire::read_create_child_request(std::move(payloads));
    if (!request)
        return std::unexpected(request.error());
    // RFC 7296 2.25.2: an SA that is on its way out, or gives its children away, makes no new ones.
    if (sa.closing || sa.standing != Standing::carrying)
        return Payloads{plain_notify(NotifyType::temporary_failure)};
    if (!request->sa.proposals.empty() &&
        request->sa.proposals.front().proposal.protocol == policy::ProtocolId::ike) {
        auto answer = answer_ike_rekey(turn, facts, sa, *request);
        if (!answer) {
            turn.outcomes.emplace_back(outcome::ChildFailed{sa.connection->name, Role::responder,
                                                            answer.error(), std::nullopt});
            return std::unexpected(bad_value("IKE rekey request"));
        }
        return std::move(*answer);
    }
    if (!request->ts_initiator || !request->ts_responder)
        return std::unexpected(bad_value("CREATE_CHILD_SA request without TS"));
    if (under_way<purpose::RekeyIkeSa>(sa))
        return Payloads{plain_notify(NotifyType::temporary_failure)};
    std::optional<policy::ChildSaId> rekeyed;
    if (const auto* rekey = rekey_notify(*request)) {
        const auto spi = child_spi(rekey->spi);
        const auto old = spi && rekey->protocol == policy::ProtocolId::esp
                             ? std::ranges::find(sa.children, *spi, &ChildState::outbound_spi)
                             : sa.children.end();
        if (old == sa.children.end())
            return Payloads{not_found(*rekey)};
        // RFC 7296 2.25.1: it is being deleted, or is about to be.
        if (!old->in_use())
            return Payloads{plain_notify(NotifyType::temporary_failure)};
        rekeyed = old->id;
    }
    // RFC 7296 1.3: no more children than a peer can have use for.
    if (const auto count = too_many_children(turn, sa, rekeyed)) {
        ++turn.dropped.child_sa_limit;
        return refuse(turn, sa, cause::TooManyChildSas{*count});
    }
    return answer_child_request(turn, facts, sa, *request, rekeyed);
}

} // namespace viaduct::ike::v2
