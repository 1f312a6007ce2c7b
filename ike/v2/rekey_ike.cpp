#include "ike/v2/rekey_ike.h"

#include "ike/rekey_collision.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/established.h"
#include "ike/v2/exchange_order.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/key_agreement.h"
#include "ike/v2/passing_failure.h"
#include "ike/v2/timers.h"
#include "ike/wire/v2_message_rules.h"
#include "policy/proposal_choice.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v2 {

namespace {

using purpose::RekeyIkeSa;
using wire::ExchangeType;
using wire::NotifyType;

/// How long rekeys of children wait for an IKE rekey of the peer that was turned away.
constexpr auto yielding_time = std::chrono::seconds(10);

wire::Octets spi_octets(wire::IkeSpi spi) {
    wire::Octets out(8);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(std::to_underlying(spi) >> (56 - 8 * i));
    return out;
}

/// RFC 7296 3.3.1: eight octets, and not zero.
std::optional<wire::IkeSpi> ike_spi(const wire::Octets& octets) {
    if (octets.size() != 8)
        return std::nullopt;
    std::uint64_t number = 0;
    for (const auto octet : octets)
        number = number << 8 | octet;
    return number != 0 ? std::optional(wire::IkeSpi{number}) : std::nullopt;
}

/// The exchange that makes a new IKE SA, as both ends see it.
struct NewSaSource {
    Role role;
    wire::IkeSpi initiator_spi;
    wire::IkeSpi responder_spi;
    policy::IkeSuite suite;
    const policy::Secret& shared_secret;
    const wire::Octets& nonce_i;
    const wire::Octets& nonce_r;
};

std::vector<wire::IkeSpi> predecessors_left(const Turn& turn, const Established& sa) {
    auto left = sa.predecessors;
    std::erase_if(left, [&](wire::IkeSpi each) { return !turn.is_alive(each); });
    return left;
}

std::expected<outcome::NewIkeSa, Cause> make_successor(Turn& turn, const IkeSaFacts& facts,
                                                       const Established& sa,
                                                       const NewSaSource& source) {
    const auto keys = crypto::derive_rekeyed_ike_keys(
        source.suite, sa.keys.suite.prf, sa.sk_d, source.shared_secret, source.nonce_i,
        source.nonce_r, source.initiator_spi, source.responder_spi);
    if (!keys)
        return std::unexpected(cause::LocalFault{std::string(crypto::to_string(keys.error()))});
    auto new_facts = facts;
    new_facts.role = source.role;
    new_facts.initiator_spi = source.initiator_spi;
    new_facts.responder_spi = source.responder_spi;
    new_facts.since = turn.now;
    new_facts.fragments = {};
    auto state = establish(turn, source.role, sa.connection, sa.peer,
                           message_keys(source.suite, *keys, source.role), keys->d);
    // RFC 7296 2.18: both message id counters begin anew.
    state.next_request = state.expected_request = {};
    state.first_role = sa.first_role;
    state.reauthenticate_at = sa.reauthenticate_at;
    state.authentication_ends = sa.authentication_ends;
    state.last_heard = sa.last_heard;
    state.per_pair = sa.per_pair;
    state.create_children_at = sa.create_children_at;
    state.create_failures = sa.create_failures;
    state.lastingly_refused = sa.lastingly_refused;
    state.counts_on_children = sa.counts_on_children;
    state.empty_until = sa.empty_until;
    state.standing = Standing::contending;
    state.predecessors = predecessors_left(turn, sa);
    state.predecessors.push_back(facts.own_spi());
    // Decided by the answer to our own request, if there will be one.
    state.patience_until =
        turn.now + longest_exchange(sa.connection->ike.retransmission) + peer_deletion_time;
    state.lowest_nonce = lowest_nonce(source.nonce_i, source.nonce_r);
    return outcome::NewIkeSa{std::move(new_facts), std::move(state)};
}

void bequeath(Turn& turn, Established& sa, wire::IkeSpi heir) {
    sa.standing = Standing::superseded;
    sa.patience_until = turn.now + superseded_time;
    turn.outcomes.emplace_back(outcome::Bequeath{.heir = heir,
                                                 .children = std::exchange(sa.children, {}),
                                                 .waiting = std::exchange(sa.waiting, {})});
}

/// What comes back is why the IKE SA must end.
std::optional<Cause> refused(Turn& turn, IkeSaFacts& facts, Established& sa,
                             const RekeyIkeSa& purpose, const wire::NotifyPayload& notify) {
    // Once: a peer that wants another group each time would keep us busy for ever.
    if (notify.type == NotifyType::invalid_ke_payload && !purpose.group) {
        if (const auto group =
                other_group(notify, sa.connection->ike.proposals, purpose.key_exchange)) {
            request(turn, facts, sa, RekeyIkeSa{.group = group});
            return std::nullopt;
        }
    }
    if (purpose.rival && turn.is_alive(purpose.rival->made)) {
        bequeath(turn, sa, purpose.rival->made);
        return std::nullopt;
    }
    cause::PeerRefused why{ExchangeType::create_child_sa, notify.type, {}, {}, {}};
    // RFC 7296 2.25: an IKE SA that is out of step is closed.
    if (note_answer(sa, turn.now, notify.type))
        return why;
    if (notify.type == NotifyType::temporary_failure) {
        sa.replace_at = turn.now + passing_failure_wait(turn.rng);
        return std::nullopt;
    }
    sa.replace_at = turn.now + rekey_again_time;
    if (notify.type == NotifyType::no_proposal_chosen)
        why.our_proposals = sa.connection->ike.proposals;
    turn.outcomes.emplace_back(
        outcome::ChildFailed{sa.connection->name, Role::initiator, std::move(why), sa.replace_at});
    if (sa.first_role == Role::initiator)
        sa.reauthenticate_at = turn.now;
    return std::nullopt;
}

struct Agreed {
    wire::IkeSpi peer_spi;
    policy::IkeSuite suite;
    policy::Secret shared_secret;
};

std::expected<Agreed, Cause> agree(Turn& turn, const Established& sa, const RekeyIkeSa& purpose,
                                   const wire::CreateChildResponse& response) {
    if (response.sa.proposals.size() != 1)
        return std::unexpected(violation(ExchangeType::create_child_sa,
                                         "the answer does not hold exactly one IKE proposal"));
    const auto& answer = response.sa.proposals.front();
    const auto chosen = policy::verify_choice(sa.connection->ike.proposals, answer.proposal);
    const auto suite = chosen ? policy::ike_suite(chosen->proposal) : std::nullopt;
    if (!suite)
        return std::unexpected(
            violation(ExchangeType::create_child_sa,
                      "the answered IKE proposal is not ours: " + answer.proposal.to_string()));
    const auto spi = ike_spi(answer.spi);
    if (!spi)
        return std::unexpected(
            violation(ExchangeType::create_child_sa, "the answered IKE SPI is not valid"));
    auto secret =
        agree_on_secret(turn, suite->key_exchange, purpose.key_exchange, response.key_exchange);
    if (!secret)
        return std::unexpected(secret.error());
    return Agreed{*spi, *suite, std::move(*secret)};
}

/// What our exchange made, by the response.
std::expected<outcome::NewIkeSa, Cause> made_by(Turn& turn, const IkeSaFacts& facts,
                                                const Established& sa, const RekeyIkeSa& purpose,
                                                const wire::CreateChildResponse& response) {
    const auto agreed = agree(turn, sa, purpose, response);
    if (!agreed)
        return std::unexpected(agreed.error());
    return make_successor(turn, facts, sa,
                          {Role::initiator, purpose.own_spi, agreed->peer_spi, agreed->suite,
                           agreed->shared_secret, purpose.nonce, response.nonce.data});
}

/// A peer that does not go by the nonces may hold the children to be those of the SA that we delete
/// now, and end them with it (libreswan 5). It says so when they are rekeyed.
void doubt_children(const Turn& turn, Established& sa) {
    for (auto& child : sa.children)
        child.replace_at = std::min(child.replace_at, turn.now + doubted_child_time);
}

/// The peer has the SA, so that it is told of its end.
void give_up(Turn& turn, outcome::NewIkeSa made) {
    made.state.standing = Standing::superseded;
    say_goodbye(turn, made.facts, made.state, cause::Replaced{});
    turn.outcomes.emplace_back(std::move(made));
}

void accept(Turn& turn, IkeSaFacts& facts, Established& sa, const RekeyIkeSa& purpose,
            outcome::NewIkeSa made) {
    const auto own = purpose.own_spi;
    const bool crossed = purpose.rival && turn.is_alive(purpose.rival->made);
    if (crossed && gives_way(made.state.lowest_nonce, purpose.rival->lowest_nonce)) {
        // RFC 7296 2.8.2: ours has the lowest nonce; we delete it, the peer deletes the old one.
        give_up(turn, std::move(made));
        doubt_children(turn, sa);
        bequeath(turn, sa, purpose.rival->made);
        return;
    }
    announce(turn, made.facts, made.state);
    turn.outcomes.emplace_back(std::move(made));
    bequeath(turn, sa, own);
    turn.report(IkeSaClosed{sa.connection->name, facts.initiator_spi, facts.responder_spi,
                            cause::Replaced{}});
    say_goodbye(turn, facts, sa, cause::Replaced{});
}

/// RFC 7296 2.25.2: a rekey waits while children are made, rekeyed or deleted.
bool is_busy_with_children(const Established& sa) {
    return under_way<purpose::CreateChild>(sa) || under_way<purpose::DeleteChildren>(sa);
}

bool is_rekeying(const Established& sa) {
    return is_asked(sa, [](const RequestPurpose& purpose) {
        return std::holds_alternative<purpose::RekeyIkeSa>(purpose);
    });
}

std::vector<wire::Payload> refusal(wire::NotifyPayload notify) {
    return {std::move(notify)};
}

} // namespace

void rekey_ike_sa(Turn& turn, IkeSaFacts& facts, Established& sa) {
    if (!is_rekeying(sa))
        request(turn, facts, sa, RekeyIkeSa{});
}

std::optional<std::vector<wire::Payload>> begin_ike_rekey(Turn& turn, const Established& sa,
                                                          RekeyIkeSa& purpose) {
    const auto& proposals = sa.connection->ike.proposals;
    purpose.key_exchange = offered_key_exchange(
        turn, proposals, purpose.group ? purpose.group : sa.keys.suite.key_exchange);
    if (!purpose.key_exchange)
        return std::nullopt;
    purpose.own_spi = turn.draw_ike_spi();
    purpose.nonce = draw_nonce(turn);
    wire::SaPayload offer;
    std::uint8_t number = 0;
    for (const auto& each : proposals)
        offer.proposals.push_back({++number, spi_octets(purpose.own_spi), each});
    return std::vector<wire::Payload>{std::move(offer), wire::NoncePayload{purpose.nonce},
                                      key_exchange_payload(*purpose.key_exchange)};
}

std::optional<Cause> consume_ike_rekey_response(Turn& turn, IkeSaFacts& facts, Established& sa,
                                                RekeyIkeSa purpose,
                                                std::vector<wire::Payload> payloads) {
    const auto answer = wire::read_create_child_response(std::move(payloads));
    if (!answer)
        return violation(ExchangeType::create_child_sa, answer.error().to_string());
    if (const auto* refusal = std::get_if<wire::CreateChildRefusal>(&*answer)) {
        const auto* error = first_error(refusal->notifies);
        if (!error)
            return violation(ExchangeType::create_child_sa, "a response with neither SA nor error");
        if (error->type == NotifyType::invalid_syntax)
            return cause::PeerRefused{ExchangeType::create_child_sa, error->type, {}, {}, {}};
        return refused(turn, facts, sa, purpose, *error);
    }
    const auto& response = std::get<wire::CreateChildResponse>(*answer);
    auto made = made_by(turn, facts, sa, purpose, response);
    // The peer believes in an SA that cannot be told of: only the end of both is understood.
    if (!made)
        return made.error();
    accept(turn, facts, sa, purpose, std::move(*made));
    return std::nullopt;
}

void abandon_ike_rekey(Turn& turn, const IkeSaFacts& facts, const Established& sa,
                       const RekeyIkeSa& purpose, std::vector<wire::Payload> payloads) {
    const auto answer = wire::read_create_child_response(std::move(payloads));
    const auto* response = answer ? std::get_if<wire::CreateChildResponse>(&*answer) : nullptr;
    if (!response)
        return;
    if (auto made = made_by(turn, facts, sa, purpose, *response))
        give_up(turn, std::move(*made));
}

std::expected<std::vector<wire::Payload>, Cause>
answer_ike_rekey(Turn& turn, const IkeSaFacts& facts, Established& sa,
                 const wire::CreateChildRequest& request) {
    auto* ours = under_way<RekeyIkeSa>(sa);
    // A second rival would be one SA more with each request.
    const bool crossed = ours && ours->rival && turn.is_alive(ours->rival->made);
    if (crossed || is_busy_with_children(sa)) {
        // The peer asks again soon. On a slow link it would find us busy for ever, and we it.
        sa.yielding_until = turn.now + yielding_time;
        for (auto& child : sa.children)
            child.replace_at = std::max(child.replace_at, sa.yielding_until);
        return refusal(plain_notify(NotifyType::temporary_failure));
    }
    // Each waits for minutes, should the peer not delete it.
    if (predecessors_left(turn, sa).size() >= turn.settings.ike_sa_limit) {
        ++turn.dropped.ike_sa_limit;
        return refusal(plain_notify(NotifyType::temporary_failure));
    }
    const auto offered = wire::proposals_of(request.sa);
    if (!request.key_exchange)
        return std::unexpected(violation(ExchangeType::create_child_sa, "an IKE rekey without KE"));
    const auto choice = policy::choose_proposal(
        sa.connection->ike.proposals, offered, policy::KeyExchangeKind::negotiated,
        policy::KeyExchangeMethod{request.key_exchange->method});
    const auto suite = choice ? policy::ike_suite(choice->proposal) : std::nullopt;
    if (!suite) {
        turn.outcomes.emplace_back(outcome::ChildFailed{
            sa.connection->name, Role::responder,
            cause::NoProposal{policy::ProtocolId::ike,
                              choice ? policy::ProposalMismatch{} : choice.error()},
            std::nullopt});
        return refusal(plain_notify(NotifyType::no_proposal_chosen));
    }
    const auto& taken = request.sa.proposals[choice->offered_index];
    const auto peer_spi = ike_spi(taken.spi);
    if (!peer_spi)
        return std::unexpected(
            violation(ExchangeType::create_child_sa, "the offered IKE SPI is not valid"));
    auto exchanged = answer_key_exchange(turn, suite->key_exchange, request.key_exchange);
    if (!exchanged)
        return std::unexpected(exchanged.error());
    if (exchanged->other_group)
        return refusal(*exchanged->other_group);
    auto nonce = draw_nonce(turn);
    const auto own_spi = turn.draw_ike_spi();
    auto made = make_successor(turn, facts, sa,
                               {Role::responder, *peer_spi, own_spi, *suite,
                                exchanged->shared_secret, request.nonce.data, nonce});
    if (!made)
        return refusal(plain_notify(NotifyType::temporary_failure));

    announce(turn, made->facts, made->state);
    if (ours) {
        ours->rival = Rival<wire::IkeSpi>{own_spi, made->state.lowest_nonce};
        turn.outcomes.emplace_back(std::move(*made));
    } else {
        turn.outcomes.emplace_back(std::move(*made));
        bequeath(turn, sa, own_spi);
    }
    return std::vector<wire::Payload>{
        wire::SaPayload{{{taken.number, spi_octets(own_spi), choice->proposal}}},
        wire::NoncePayload{std::move(nonce)}, *exchanged->payload};
}

void bequeath_to_rival(Turn& turn, Established& sa) {
    const auto* ours = under_way<RekeyIkeSa>(sa);
    if (sa.standing == Standing::carrying && ours && ours->rival &&
        turn.is_alive(ours->rival->made))
        bequeath(turn, sa, ours->rival->made);
}

} // namespace viaduct::ike::v2
