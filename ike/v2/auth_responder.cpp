#include "ike/v2/auth_responder.h"

#include "ike/crypto/shared_key_auth.h"
#include "ike/rekey_collision.h"
#include "ike/v2/child_negotiation.h"
#include "ike/v2/established.h"
#include "ike/v2/exchange_message.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/fragmentation.h"
#include "ike/v2/message_ids.h"
#include "ike/v2/reauthentication.h"
#include "ike/v2/timers.h"
#include "ike/v2/transport_mode.h"
#include "ike/wire/v2_message_rules.h"
#include "policy/connection_lookup.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using wire::ExchangeType;

/// A peer that proved to be who it says, and the connections that it may mean, best first.
struct AuthenticatedPeer {
    std::vector<ConnectionPtr> connections;
    policy::Identity identity;
};

/// The messages so far are about one of these.
void ascribe(Turn& turn, AuthAwaited& state, const std::vector<ConnectionPtr>& connections) {
    Ascription ascription{.connections = {}, .earlier = std::move(state.arrows)};
    for (const auto& each : connections)
        ascription.connections.push_back(each->name);
    turn.ascription = std::move(ascription);
}

/// A reload may have come since IKE_SA_INIT: what is configured now decides.
void drop_outdated(const Turn& turn, std::vector<ConnectionPtr>& candidates) {
    std::erase_if(candidates, [&](const ConnectionPtr& each) {
        const auto current = turn.directory.find(each->name);
        return !current || *current != *each;
    });
}

bool compute_keys(Turn& turn, const IkeSaFacts& facts, AuthAwaited& state) {
    if (state.keys)
        return true;
    const auto secret = state.key_exchange.agree(state.peer_public_value, turn.rng);
    if (!secret)
        return false;
    auto keys =
        crypto::derive_ike_keys(state.suite, *secret, state.first.nonce_i, state.first.nonce_r,
                                facts.initiator_spi, facts.responder_spi);
    if (!keys)
        return false;
    state.keys = std::move(*keys);
    return true;
}

std::vector<ConnectionPtr> with_identity(const std::vector<ConnectionPtr>& candidates,
                                         const wire::AuthRequest& request) {
    std::vector<const policy::Connection*> plain;
    plain.reserve(candidates.size());
    for (const auto& each : candidates)
        plain.push_back(each.get());
    const auto ours =
        request.id_responder ? std::optional(request.id_responder->identity) : std::nullopt;
    std::vector<ConnectionPtr> out;
    for (const auto* each :
         policy::matching_identity(std::move(plain), request.id_initiator.identity, ours))
        out.push_back(*std::ranges::find(candidates, each, &ConnectionPtr::get));
    return out;
}

/// Why a peer is not accepted, and the connections that it may have meant; none when it fits none
/// of several.
struct NotAuthenticated {
    Cause why;
    std::vector<ConnectionPtr> meant;
};

NotAuthenticated mismatch(const AuthAwaited& state, const wire::AuthRequest& request) {
    const auto& peer = request.id_initiator.identity;
    cause::IdentityMismatch mismatch{.offered = shortened(peer), .expected = {}};
    std::vector<ConnectionPtr> accepting;
    for (const auto& each : state.candidates) {
        mismatch.expected.push_back(each->peer_id);
        if (each->peer_id.matches(peer))
            accepting.push_back(each);
    }
    for (const auto& each : accepting)
        if (!std::ranges::contains(mismatch.ours, each->local_id))
            mismatch.ours.push_back(each->local_id);
    if (!accepting.empty())
        mismatch.asked_for = shortened(request.id_responder->identity);
    const auto& meant = accepting.empty() ? state.candidates : accepting;
    return {std::move(mismatch), meant.size() == 1 ? meant : std::vector<ConnectionPtr>{}};
}

/// The keys of all these connections failed.
NotAuthenticated wrong_key(const policy::Identity& peer, const std::vector<ConnectionPtr>& tried) {
    cause::PeerNotAuthenticated wrong{shortened(peer), {}};
    for (const auto& each : tried)
        wrong.connections.push_back(each->name);
    return {std::move(wrong), tried};
}

std::expected<AuthenticatedPeer, NotAuthenticated> authenticate(const AuthAwaited& state,
                                                                const wire::AuthRequest& request) {
    const auto& peer = request.id_initiator.identity;
    auto named = with_identity(state.candidates, request);
    if (named.empty())
        return std::unexpected(mismatch(state, request));
    if (!request.auth)
        return std::unexpected(NotAuthenticated{cause::UnsupportedAuthMethod{0}, named});
    const auto method = request.auth->method;
    if (method != wire::AuthMethod::shared_key)
        return std::unexpected(NotAuthenticated{
            cause::UnsupportedAuthMethod{static_cast<std::uint8_t>(method)}, named});
    const crypto::SignedOctets octets{state.first.request, state.first.nonce_r, state.keys->pi,
                                      peer};
    // Connections with the same peer usually share the key: each key is tried once.
    const ConnectionPtr* verified = nullptr;
    for (const auto& each : named) {
        const auto tried = std::ranges::find_if(
            named, [&](const ConnectionPtr& earlier) { return earlier->psk == each->psk; });
        if (*tried == each && crypto::verify_shared_key_auth(state.suite.prf, each->psk, octets,
                                                             request.auth->data)) {
            verified = &each;
            break;
        }
    }
    if (!verified)
        return std::unexpected(wrong_key(peer, named));
    const auto connection = *verified;
    std::erase_if(named,
                  [&](const ConnectionPtr& each) { return !(each->psk == connection->psk); });
    return AuthenticatedPeer{std::move(named), peer};
}

/// The connection that the peer's child request fits, or the first with the reason why not. A peer
/// may mean one of several connections, and only the selectors tell which.
struct ChildChoice {
    ConnectionPtr connection;
    std::expected<AgreedChild, Cause> agreed;
};

ChildChoice choose_connection(const std::vector<ConnectionPtr>& connections,
                              const wire::AuthRequest& request) {
    std::optional<ChildChoice> narrowed, refused;
    for (const auto& each : connections) {
        ChildChoice choice{each, answer_child(ExchangeType::ike_auth, *each, *request.sa,
                                              *request.ts_initiator, *request.ts_responder)};
        if (choice.agreed && !choice.agreed->selectors.reduced())
            return choice;
        auto& slot = choice.agreed ? narrowed : refused;
        if (!slot)
            slot = std::move(choice);
    }
    return std::move(narrowed ? *narrowed : *refused);
}

void report_failure(Turn& turn, const NotAuthenticated& failure) {
    if (failure.meant.empty())
        turn.outcomes.emplace_back(outcome::Failed{{}, failure.why});
    for (const auto& each : failure.meant)
        turn.outcomes.emplace_back(outcome::Failed{each->name, failure.why});
}

IkeSaState refuse(Turn& turn, const IkeSaFacts& facts, AuthAwaited state,
                  wire::NotifyPayload notify, const NotAuthenticated& failure) {
    ascribe(turn, state, failure.meant);
    auto keys = message_keys(state.suite, *state.keys, Role::responder);
    const std::vector<wire::Payload> payloads{std::move(notify)};
    auto response = seal(turn, facts, keys, ExchangeType::ike_auth, MessageKind::response, auth_id,
                         payloads, {});
    report_failure(turn, failure);
    if (!response)
        return Gone{};
    turn.send(facts.path, *response);
    return Lingering{
        .answered = auth_id, .response = std::move(*response), .until = turn.now + lingering_time};
}

std::expected<wire::Octets, Cause> our_auth(const AuthAwaited& state,
                                            const policy::Connection& connection) {
    auto auth = crypto::shared_key_auth(
        state.suite.prf, connection.psk,
        {state.first.response, state.first.nonce_i, state.keys->pr, connection.local_id});
    if (!auth)
        return std::unexpected(cause::LocalFault{std::string(crypto::to_string(auth.error()))});
    return std::move(*auth);
}

void append_child(std::vector<wire::Payload>& payloads, const AgreedChild& agreed) {
    append_mode(payloads, agreed.mode);
    payloads.emplace_back(sa_payload(agreed));
    // TSi is the peer's side: it began.
    payloads.emplace_back(ts_initiator(agreed.selectors.remote()));
    payloads.emplace_back(ts_responder(agreed.selectors.local()));
}

IkeSaState accept(Turn& turn, IkeSaFacts& facts, AuthAwaited state, AuthenticatedPeer peer,
                  const wire::AuthRequest& request) {
    const bool childless = !request.sa;
    if (childless && peer.connections.front()->ike.childless == policy::ChildlessUse::never)
        return refuse(
            turn, facts, std::move(state), plain_notify(wire::NotifyType::invalid_syntax),
            {violation(ExchangeType::ike_auth, "no child requested"), {peer.connections.front()}});
    // RFC 6023 leaves it to us; strongSwan answers the same.
    if (!childless && peer.connections.front()->ike.childless == policy::ChildlessUse::force)
        return refuse(turn, facts, std::move(state), plain_notify(wire::NotifyType::invalid_syntax),
                      {cause::PeerLacks{"IKE SAs without a child SA (RFC 6023)"},
                       {peer.connections.front()}});
    const bool fresh_start = contains(request.notifies, wire::NotifyType::initial_contact);
    const auto refuse_further = [&](const Cause& why, const ConnectionPtr& connection) {
        return refuse(turn, facts, std::move(state), failure_notify(why), {why, {connection}});
    };
    if (peer.connections.front()->unique == policy::Uniqueness::keep && !fresh_start &&
        turn.has_peer(peer.connections.front()->name, peer.identity))
        return refuse_further(cause::AlreadyUp{shortened(peer.identity)}, peer.connections.front());
    ChildChoice choice =
        childless
            ? ChildChoice{peer.connections.front(),
                          std::unexpected(violation(ExchangeType::ike_auth, "no child requested"))}
            : choose_connection(peer.connections, request);
    const auto connection = choice.connection;
    if (const auto why = turn.no_room(connection->name, peer.identity, FirstContact{fresh_start})) {
        ++turn.dropped.ike_sa_limit;
        return refuse_further(*why, connection);
    }
    auto auth = our_auth(state, *connection);
    if (!auth)
        return refuse(turn, facts, std::move(state),
                      plain_notify(wire::NotifyType::authentication_failed),
                      {auth.error(), {connection}});

    if (facts.fragmentation)
        limit_fragments(facts, connection->ike.fragmentation);
    ascribe(turn, state, {connection});
    std::vector<wire::Payload> payloads{
        wire::IdPayload{wire::IdPayload::Side::responder, connection->local_id},
        wire::AuthPayload{wire::AuthMethod::shared_key, std::move(*auth)}};
    std::optional<ChildState> child;
    std::optional<Cause> child_failure;
    if (choice.agreed) {
        choice.agreed->inbound_spi = turn.child_spis.draw(turn.rng);
        choice.agreed->mode =
            chosen_mode(facts, *connection, choice.agreed->selectors, request.notifies);
        auto installed = install_child(
            turn, facts, *connection, *choice.agreed,
            {state.suite.prf, state.keys->d, {}, state.first.nonce_i, state.first.nonce_r},
            {.exchange_role = Role::responder,
             .wanted = {request.ts_responder->selectors, request.ts_initiator->selectors},
             .outbound_waits = turn.has_peer(connection->name, peer.identity)});
        if (installed)
            child = std::move(*installed);
        else {
            turn.child_spis.release(choice.agreed->inbound_spi);
            child_failure = installed.error();
        }
    } else if (!childless) {
        child_failure = choice.agreed.error();
    }
    if (child)
        append_child(payloads, *choice.agreed);
    else if (child_failure)
        payloads.emplace_back(failure_notify(*child_failure));
    if (auto lifetime = auth_lifetime_notify(*connection))
        payloads.emplace_back(std::move(*lifetime));

    auto sa = establish(turn, Role::responder, connection, std::move(peer.identity),
                        message_keys(state.suite, *state.keys, Role::responder),
                        std::move(state.keys->d));
    auto response = seal(turn, facts, sa.keys, ExchangeType::ike_auth, MessageKind::response,
                         auth_id, payloads, connection->name);
    if (!response) {
        if (child)
            remove_child(turn, connection->name, *child, cause::LocalFault{"no response"});
        return Gone{};
    }
    turn.send(facts.path, *response);
    sa.last_response = std::move(*response);
    sa.last_response_path = facts.path;
    sa.lowest_nonce = lowest_nonce(state.first.nonce_i, state.first.nonce_r);
    plan_reauthentication(turn, sa);
    announce(turn, facts, sa);
    sa.counts_on_children = !childless;
    const bool has_child = child.has_value();
    if (child)
        sa.children.push_back(std::move(*child));
    turn.outcomes.emplace_back(outcome::Up{.connection = connection->name,
                                           .childless = child_failure,
                                           .has_child = has_child,
                                           .initial_contact = fresh_start,
                                           .peer = sa.peer});
    if (child_failure)
        turn.outcomes.emplace_back(outcome::Failed{connection->name, std::move(*child_failure)});
    return sa;
}

} // namespace

IkeSaState consume_auth_request(Turn& turn, IkeSaFacts& facts, AuthAwaited state,
                                const Received& received) {
    const auto& header = received.outer.header;
    if (header.response || !header.initiator || header.exchange != ExchangeType::ike_auth ||
        header.message_id != auth_id || !received.outer.encrypted) {
        ++turn.dropped.unexpected;
        return state;
    }
    drop_outdated(turn, state.candidates);
    if (!compute_keys(turn, facts, state)) {
        const NotAuthenticated failure{
            cause::ProtocolViolation{ExchangeType::ike_sa_init, "KE is not a valid public value"},
            state.candidates};
        ascribe(turn, state, failure.meant);
        report_failure(turn, failure);
        return Gone{};
    }
    auto opened =
        open(turn, facts, message_keys(state.suite, *state.keys, Role::responder), received, {});
    if (std::holds_alternative<OpenedMessage::NotAuthentic>(opened.result))
        return state;
    facts.path = received.path;
    const auto meant = state.candidates;
    if (meant.empty())
        return refuse(turn, facts, std::move(state),
                      plain_notify(wire::NotifyType::authentication_failed),
                      {cause::NoConnection{facts.path}, {}});
    const auto undecodable = [&](const wire::DecodeError& error) {
        return refuse(turn, facts, std::move(state), failure_notify(error),
                      {violation(ExchangeType::ike_auth, error.to_string()), meant});
    };
    if (const auto* error = std::get_if<wire::DecodeError>(&opened.result))
        return undecodable(*error);
    const auto request =
        wire::read_auth_request(std::move(std::get<AuthenticatedPayloads>(opened.result)).take());
    if (!request)
        return undecodable(request.error());
    auto peer = authenticate(state, *request);
    if (!peer)
        return refuse(turn, facts, std::move(state), failure_notify(peer.error().why),
                      peer.error());
    return accept(turn, facts, std::move(state), std::move(*peer), *request);
}

} // namespace viaduct::ike::v2
