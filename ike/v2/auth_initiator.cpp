#include "ike/v2/auth_initiator.h"

#include "ike/crypto/shared_key_auth.h"
#include "ike/rekey_collision.h"
#include "ike/v2/child_negotiation.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/established.h"
#include "ike/v2/exchange_message.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/message_ids.h"
#include "ike/v2/reauthentication.h"
#include "ike/v2/transport_mode.h"
#include "ike/v2/wanted_children.h"
#include "ike/wire/v2_message_rules.h"

namespace viaduct::ike::v2 {

namespace {

using wire::ExchangeType;
using wire::NotifyType;

IkeSaState fail(Turn& turn, const AuthSent& state, Cause why) {
    release_offer(turn, state);
    turn.outcomes.emplace_back(outcome::Failed{state.connection->name, std::move(why)});
    return Gone{};
}

std::vector<wire::Payload> request_payloads(const policy::Connection& connection,
                                            bool initial_contact, wire::Octets auth,
                                            const std::optional<ChildOffer>& child) {
    std::vector<wire::Payload> payloads;
    payloads.emplace_back(wire::IdPayload{wire::IdPayload::Side::initiator, connection.local_id});
    if (connection.peer_id.kind == policy::IdentityPattern::Kind::exact)
        payloads.emplace_back(
            wire::IdPayload{wire::IdPayload::Side::responder, connection.peer_id.identity});
    payloads.emplace_back(wire::AuthPayload{wire::AuthMethod::shared_key, std::move(auth)});
    if (initial_contact)
        payloads.emplace_back(plain_notify(NotifyType::initial_contact));
    if (child) {
        append_mode(payloads, child->mode);
        payloads.emplace_back(sa_payload(*child));
        payloads.emplace_back(ts_initiator(child->selectors.local));
        payloads.emplace_back(ts_responder(child->selectors.remote));
    }
    return payloads;
}

std::optional<Cause> peer_refusal(const AuthSent& state,
                                  std::span<const wire::NotifyPayload> notifies) {
    const auto* error = first_error(notifies);
    if (!error)
        return std::nullopt;
    cause::PeerRefused refused{ExchangeType::ike_auth, error->type, {}, {}, {}};
    if (state.child && error->type == NotifyType::no_proposal_chosen)
        refused.our_proposals = state.child->proposals;
    if (state.child && (error->type == NotifyType::ts_unacceptable ||
                        error->type == NotifyType::single_pair_required)) {
        refused.our_local_selectors = state.child->selectors.local;
        refused.our_remote_selectors = state.child->selectors.remote;
    }
    return refused;
}

std::optional<Cause> authenticate(const AuthSent& state, const wire::AuthResponse& response) {
    const auto& peer = response.id_responder.identity;
    if (!state.connection->peer_id.matches(peer))
        return cause::IdentityMismatch{shortened(peer), {state.connection->peer_id}};
    if (response.auth.method != wire::AuthMethod::shared_key)
        return cause::UnsupportedAuthMethod{static_cast<std::uint8_t>(response.auth.method)};
    const crypto::SignedOctets octets{state.first.response, state.first.nonce_i, state.sk_p_peer,
                                      peer};
    if (!crypto::verify_shared_key_auth(state.keys.suite.prf, state.connection->psk, octets,
                                        response.auth.data))
        return cause::PeerNotAuthenticated{shortened(peer), {state.connection->name}};
    return std::nullopt;
}

std::expected<ChildState, Cause> first_child(Turn& turn, const IkeSaFacts& facts,
                                             const AuthSent& state,
                                             const wire::AuthResponse& response) {
    if (auto refused = peer_refusal(state, response.notifies); refused && !response.sa)
        return std::unexpected(std::move(*refused));
    if (!response.sa || !response.ts_initiator || !response.ts_responder)
        return std::unexpected(
            violation(ExchangeType::ike_auth, "the answer holds no child SA and no error"));
    auto agreed = consume_child_answer(ExchangeType::ike_auth, *state.child, *response.sa,
                                       *response.ts_initiator, *response.ts_responder);
    if (!agreed)
        return std::unexpected(agreed.error());
    const auto mode = answered_mode(ExchangeType::ike_auth, state.child->mode, response.notifies);
    if (!mode)
        return std::unexpected(mode.error());
    agreed->mode = *mode;
    return install_child(
        turn, facts, *state.connection, *agreed,
        {state.keys.suite.prf, state.sk_d, {}, state.first.nonce_i, state.first.nonce_r},
        {.exchange_role = Role::initiator, .wanted = state.child->selectors});
}

/// RFC 7296 2.9: the peer takes one pair of selectors in a child. Each gets its own then.
bool insists_on_single_pairs(const AuthSent& state, const Cause& why) {
    const auto* refused = std::get_if<cause::PeerRefused>(&why);
    return refused && state.connection->children == policy::ChildrenShape::one &&
           (refused->notify == NotifyType::single_pair_required ||
            refused->notify == NotifyType::ts_unacceptable) &&
           wanted_children(*state.connection, true).size() > 1;
}

/// The responder believes in this SA already, so that it has to be told (RFC 7296 section 2.21.2).
IkeSaState refuse_peer(Turn& turn, IkeSaFacts& facts, AuthSent state, Cause why) {
    const auto name = state.connection->name;
    const bool authentic = !std::holds_alternative<cause::IdentityMismatch>(why) &&
                           !std::holds_alternative<cause::PeerNotAuthenticated>(why) &&
                           !std::holds_alternative<cause::UnsupportedAuthMethod>(why);
    release_offer(turn, state);
    turn.outcomes.emplace_back(outcome::Failed{name, why});
    auto sa = establish(turn, Role::initiator, std::move(state.connection), {},
                        std::move(state.keys), std::move(state.sk_d));
    sa.standing = Standing::superseded;
    if (authentic) {
        say_goodbye(turn, facts, sa, std::move(why));
        return sa;
    }
    const std::vector<wire::Payload> payloads{plain_notify(NotifyType::authentication_failed)};
    if (const auto messages = seal(turn, facts, sa.keys, ExchangeType::informational,
                                   MessageKind::request, sa.next_request, payloads, name))
        turn.send(facts.path, *messages);
    return Gone{};
}

IkeSaState consume_answer(Turn& turn, IkeSaFacts& facts, AuthSent state,
                          const wire::AuthResponse& response) {
    if (auto why = authenticate(state, response))
        return refuse_peer(turn, facts, std::move(state), std::move(*why));
    std::optional<ChildState> child;
    bool single_pairs = false;
    if (state.child) {
        auto made = first_child(turn, facts, state, response);
        single_pairs = !made && insists_on_single_pairs(state, made.error());
        if (!made && !single_pairs)
            return refuse_peer(turn, facts, std::move(state), made.error());
        if (made)
            child = std::move(*made);
        else
            release_offer(turn, state);
    }
    auto sa =
        establish(turn, Role::initiator, std::move(state.connection),
                  response.id_responder.identity, std::move(state.keys), std::move(state.sk_d));
    sa.lowest_nonce = lowest_nonce(state.first.nonce_i, state.first.nonce_r);
    // RFC 7296 2.9: the peer would take what it left out in children of their own.
    sa.per_pair = sa.per_pair || single_pairs ||
                  contains(response.notifies, NotifyType::additional_ts_possible);
    const bool has_child = child.has_value();
    if (child)
        sa.children.push_back(std::move(*child));
    plan_reauthentication(turn, sa);
    consider_auth_lifetime(turn, sa, response.notifies);
    announce(turn, facts, sa);
    turn.outcomes.emplace_back(
        outcome::Up{.connection = sa.connection->name,
                    .childless = std::nullopt,
                    .has_child = has_child,
                    .initial_contact = contains(response.notifies, NotifyType::initial_contact),
                    .peer = sa.peer});
    // Once the endpoint knows that the connection is up.
    sa.create_children_at = turn.now;
    return sa;
}

} // namespace

void release_offer(Turn& turn, const AuthSent& state) {
    if (state.child)
        turn.child_spis.release(state.child->inbound_spi);
}

IkeSaState begin_auth(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection,
                      const policy::IkeSuite& suite, const crypto::IkeKeys& keys,
                      FirstMessages first) {
    std::optional<ChildOffer> child;
    if (connection->ike.childless != policy::ChildlessUse::force) {
        const bool per_pair = connection->children == policy::ChildrenShape::per_pair;
        auto wanted = wanted_children(*connection, per_pair);
        const auto demanded = std::ranges::find_if(
            wanted, [&](const auto& each) { return turn.is_demanded(*connection, each); });
        // Selectors of no common family are refused when the file is read.
        if (!wanted.empty())
            child = offer_child(turn, facts, *connection,
                                std::move(demanded == wanted.end() ? wanted.front() : *demanded),
                                policy::KeyExchangeKind::ignored);
    }
    auto auth = crypto::shared_key_auth(
        suite.prf, connection->psk, {first.request, first.nonce_r, keys.pi, connection->local_id});
    // A responder has forgotten its half-open IKE SA by the time that a first contact gives up.
    const auto schedule = connection->ike.retransmission;
    AuthSent state{.connection = std::move(connection),
                   .keys = message_keys(suite, keys, Role::initiator),
                   .sk_d = keys.d,
                   .sk_p_peer = keys.pr,
                   .first = std::move(first),
                   .child = std::move(child),
                   .request = {.id = auth_id,
                               .exchange = ExchangeType::ike_auth,
                               .messages = {},
                               .timer = Retransmission(turn.now, schedule)}};
    if (!state.child && !facts.childless_supported)
        return fail(turn, state, cause::PeerLacks{"IKE SAs without a child SA (RFC 6023)"});
    if (!auth)
        return fail(turn, state, cause::LocalFault{std::string(to_string(auth.error()))});
    const auto payloads =
        request_payloads(*state.connection, turn.is_initial_contact(*state.connection),
                         std::move(*auth), state.child);
    auto messages = seal(turn, facts, state.keys, ExchangeType::ike_auth, MessageKind::request,
                         auth_id, payloads, state.connection->name);
    if (!messages)
        return fail(turn, state, cause::LocalFault{"the IKE_AUTH request could not be sealed"});
    state.request.messages = std::move(*messages);
    turn.send(facts.path, state.request.messages);
    return state;
}

IkeSaState consume_auth_response(Turn& turn, IkeSaFacts& facts, AuthSent state,
                                 const Received& received) {
    const auto& header = received.outer.header;
    if (!header.response || header.initiator || header.exchange != ExchangeType::ike_auth ||
        header.message_id != auth_id) {
        ++turn.dropped.unexpected;
        return state;
    }
    auto opened = open(turn, facts, state.keys, received, state.connection->name);
    if (std::holds_alternative<OpenedMessage::NotAuthentic>(opened.result))
        return state;
    if (const auto* error = std::get_if<wire::DecodeError>(&opened.result))
        return refuse_peer(turn, facts, std::move(state),
                           violation(ExchangeType::ike_auth, error->to_string()));
    auto answer =
        wire::read_auth_response(std::move(std::get<AuthenticatedPayloads>(opened.result)).take());
    if (!answer)
        return refuse_peer(turn, facts, std::move(state),
                           violation(ExchangeType::ike_auth, answer.error().to_string()));
    facts.path = received.path;
    if (const auto* refusal = std::get_if<wire::AuthRefusal>(&*answer)) {
        auto why = peer_refusal(state, refusal->notifies);
        return fail(
            turn, state,
            why ? *why
                : violation(ExchangeType::ike_auth, "a response with neither AUTH nor error"));
    }
    return consume_answer(turn, facts, std::move(state), std::get<wire::AuthResponse>(*answer));
}

} // namespace viaduct::ike::v2
