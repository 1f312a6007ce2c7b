#include "ike/v1/main_mode_responder.h"

#include "ike/v1/established.h"
#include "ike/v1/extensions.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/phase_one.h"
#include "ike/v1/phase_one_proposal.h"
#include "ike/v1/timers.h"
#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_message_rules.h"
#include "policy/connection_lookup.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

using wire::ExchangeType;

/// Pre-shared keys that are tried on one message. Main mode encrypts the identity with a key that
/// depends on the secret, so that only the address can tell which secret is meant.
constexpr std::size_t most_secrets = 32;
/// Messages of one half-open SA that keys are tried on.
constexpr unsigned most_attempts = 8;

/// Known only while one connection is left.
std::string name_of(const std::vector<ConnectionPtr>& candidates) {
    return candidates.size() == 1 ? candidates.front()->name : std::string();
}

FirstMessageRefused refusal(Turn& turn, const IkeSaFacts& facts, wire::v1::NotifyType type,
                            Cause why, std::string connection) {
    return {clear_notification(turn, facts, type, connection), std::move(why),
            std::move(connection)};
}

/// The peer's identity will tell which connection is meant: parts are taken when any of them may
/// have them, and made as small as one of them wants.
policy::Fragmentation fragmentation_of(const std::vector<ConnectionPtr>& candidates) {
    policy::Fragmentation all{.enabled = false, .size = 0xffff};
    for (const auto& each : candidates)
        if (each->ike.fragmentation.enabled) {
            all.enabled = true;
            all.size = std::min(all.size, each->ike.fragmentation.size);
        }
    return all;
}

/// The peer's identity is authentic: it fits the connections that share the secret, or not.
struct Authentic {
    IsakmpKeys keys;
    wire::v1::MainModeAuth message;
    policy::Identity peer;
    /// Of those that share the secret the best for this identity; empty: none accepts it.
    std::vector<ConnectionPtr> accepting;
    std::vector<ConnectionPtr> sharing;
};

std::vector<ConnectionPtr> accepting(const std::vector<ConnectionPtr>& candidates,
                                     const policy::Identity& peer) {
    std::vector<const policy::Connection*> pointers;
    pointers.reserve(candidates.size());
    for (const auto& each : candidates)
        pointers.push_back(each.get());
    std::vector<ConnectionPtr> out;
    for (const auto* match : policy::matching_identity(pointers, peer, std::nullopt))
        out.push_back(*std::ranges::find(candidates, match, &ConnectionPtr::get));
    return out;
}

std::optional<Authentic> try_secret(Turn& turn, const IkeSaFacts& facts,
                                    const MainModeKeyAnswered& state, const policy::Secret& psk,
                                    const wire::v1::EncryptedMessage& message) {
    auto keys = derive_keys(facts, state.suite, psk, *state.shared_secret, state.transcript);
    if (!keys)
        return std::nullopt;
    auto opened = decrypt(*keys, keys->vector, message);
    if (!opened)
        return std::nullopt;
    auto read = wire::v1::read_main_mode_auth(opened->chain);
    if (!read)
        return std::nullopt;
    auto peer = wire::v1::identity_of(read->id);
    if (check_authentication(facts, *keys, state.transcript, {}, peer, read->id_body, read->hash,
                             read->signature))
        return std::nullopt;
    keys->vector = std::move(opened->next_vector);
    std::vector<ConnectionPtr> sharing;
    std::ranges::copy_if(state.candidates, std::back_inserter(sharing),
                         [&](const ConnectionPtr& each) { return each->psk == psk; });
    auto fitting = accepting(sharing, peer);
    report_message(turn, facts, Direction::received, message.header, opened->chain.payloads,
                   name_of(fitting));
    return Authentic{std::move(*keys), std::move(*read), std::move(peer), std::move(fitting),
                     std::move(sharing)};
}

std::optional<Authentic> authenticate(Turn& turn, const IkeSaFacts& facts,
                                      const MainModeKeyAnswered& state,
                                      const wire::v1::EncryptedMessage& message) {
    std::vector<const policy::Secret*> tried;
    for (const auto& each : state.candidates) {
        const bool known =
            std::ranges::any_of(tried, [&](const auto* secret) { return *secret == each->psk; });
        if (known || tried.size() == most_secrets)
            continue;
        tried.push_back(&each->psk);
        if (auto found = try_secret(turn, facts, state, each->psk, message))
            return found;
    }
    return std::nullopt;
}

IsakmpSaState refuse_identity(Turn& turn, const IkeSaFacts& facts, MainModeKeyAnswered state,
                              const Authentic& peer) {
    cause::IdentityMismatch why{shortened(peer.peer), {}};
    std::vector<std::string> names;
    for (const auto& each : peer.sharing) {
        why.expected.push_back(each->peer_id);
        names.push_back(each->name);
    }
    turn.ascription = Ascription{std::move(names), std::move(state.arrows)};
    const auto name = name_of(peer.sharing);
    refuse_peer(turn, facts, peer.keys, why, name);
    turn.outcomes.emplace_back(outcome::Failed{name, std::move(why)});
    return Gone{};
}

IsakmpSaState accept(Turn& turn, IkeSaFacts& facts, MainModeKeyAnswered state, Authentic peer,
                     const Received& received) {
    auto connection = peer.accepting.front();
    turn.ascription = Ascription{{connection->name}, std::move(state.arrows)};
    const bool first_contact =
        contains(peer.message.notifies, wire::v1::NotifyType::initial_contact);
    if (const auto why = no_further_sa(turn, *connection, peer.peer, received.path.remote.address,
                                       FirstContact{first_contact}))
        return refuse_further(turn, facts, peer.keys, connection->name, *why);
    const auto id = own_id(*connection);
    auto proof = own_authentication(facts, peer.keys, state.transcript, body_of(id));
    if (!proof) {
        turn.outcomes.emplace_back(outcome::Failed{connection->name, proof.error()});
        return Gone{};
    }
    // RFC 3947 4: the peer has gone to the ports that it uses from now on.
    facts.path = received.path;
    add_extensions(state.peer, peer.message.vendor_ids);
    agree_on_fragmentation(facts, state.peer, connection->ike.fragmentation);
    facts.nat.forced = facts.nat.supported && connection->nat_traversal.force;
    Payloads payloads{id, std::move(*proof)};
    const auto lifetime = agreed_lifetime(*connection, state.peer_lifetime);
    if (is_shorter_than_offered(lifetime, state.peer_lifetime))
        payloads.emplace_back(responder_lifetime(facts, lifetime));
    if (turn.is_initial_contact(*connection))
        payloads.emplace_back(initial_contact(facts));
    auto messages = seal(turn, facts, peer.keys, peer.keys.vector, header_for(facts, main_mode, {}),
                         payloads, connection->name);
    if (!messages) {
        turn.outcomes.emplace_back(
            outcome::Failed{connection->name, cause::LocalFault{"a message could not be sealed"}});
        return Gone{};
    }
    turn.send(facts.path, *messages);
    return establish(turn, facts,
                     {.connection = std::move(connection),
                      .peer_id = std::move(peer.peer),
                      .keys = std::move(peer.keys),
                      .peer = std::move(state.peer),
                      .nonce_i = std::move(state.transcript.nonce_i),
                      .nonce_r = std::move(state.transcript.nonce_r),
                      .lifetime = lifetime,
                      .initial_contact = first_contact,
                      .last = LastAnswer{{received.octets.begin(), received.octets.end()},
                                         std::move(*messages)}});
}

} // namespace

std::expected<MainModeSaAnswered, FirstMessageRefused>
answer_main_mode(Turn& turn, IkeSaFacts& facts, std::vector<ConnectionPtr> candidates,
                 const Received& received) {
    const auto& message = std::get<wire::v1::ClearMessage>(received.message);
    auto arrow = report_message(turn, facts, Direction::received, message.header,
                                message.chain.payloads, name_of(candidates));
    auto request = wire::v1::read_main_mode_sa(message.chain);
    if (!request) {
        ++turn.dropped.malformed;
        return std::unexpected(FirstMessageRefused{});
    }
    std::optional<PhaseOneChoice> chosen;
    std::optional<Cause> mismatch;
    for (const auto& each : candidates) {
        auto choice = choose_phase_one(*each, request->sa);
        if (choice) {
            chosen = std::move(*choice);
            break;
        }
        if (!mismatch)
            mismatch = choice.error();
    }
    if (!chosen)
        return std::unexpected(refusal(turn, facts, offer_refusal(*mismatch), std::move(*mismatch),
                                       name_of(candidates)));
    std::erase_if(candidates, [&](const ConnectionPtr& each) {
        return !choose_phase_one(*each, chosen->answer);
    });
    PeerExtensions peer;
    add_extensions(peer, request->vendor_ids);
    Payloads payloads{std::move(chosen->answer)};
    for (auto& each : answered_vendor_ids(candidates, peer))
        payloads.push_back(std::move(each));
    const auto name = name_of(candidates);
    auto messages = in_clear(turn, facts, header_for(facts, main_mode, {}), payloads, name);
    turn.send(facts.path, messages);
    return MainModeSaAnswered{
        .candidates = std::move(candidates),
        .suite = chosen->suite,
        .peer_lifetime = chosen->lifetime,
        .peer = std::move(peer),
        .sa_body = std::move(request->sa_body),
        .last = {{received.octets.begin(), received.octets.end()}, std::move(messages)},
        .arrows = {std::move(arrow)},
        .give_up = turn.now + half_open_time};
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeSaAnswered state,
                      const Received& received) {
    const auto* message = std::get_if<wire::v1::ClearMessage>(&received.message);
    if (!message || message->header.exchange != main_mode) {
        ++turn.dropped.unexpected;
        return state;
    }
    auto request = wire::v1::read_main_mode_key_exchange(message->chain);
    if (!request) {
        ++turn.dropped.malformed;
        return state;
    }
    // Before anything is kept or computed: whoever knows the cookies may say it again and again.
    const auto method = state.suite.key_exchange;
    if (!crypto::is_public_value(method, request->key_exchange.data)) {
        ++turn.dropped.malformed;
        return state;
    }
    const auto name = name_of(state.candidates);
    state.arrows.push_back(report_message(turn, facts, Direction::received, message->header,
                                          message->chain.payloads, name));
    auto key_exchange = crypto::KeyExchange::generate(method, turn.rng);
    if (!key_exchange) {
        turn.outcomes.emplace_back(
            outcome::Failed{name, cause::LocalFault{"no key pair could be made"}});
        return Gone{};
    }
    add_extensions(state.peer, request->vendor_ids);
    agree_on_fragmentation(facts, state.peer, fragmentation_of(state.candidates));
    facts.nat = detect_nat(request->nat_detection, facts, state.suite.prf, received.path);
    const auto value = key_exchange->public_value();
    Transcript transcript{.sa_body = std::move(state.sa_body),
                          .public_i = std::move(request->key_exchange.data),
                          .public_r = {value.begin(), value.end()},
                          .nonce_i = std::move(request->nonce.data),
                          .nonce_r = draw_nonce(turn)};
    const bool forced = std::ranges::any_of(
        state.candidates, [](const ConnectionPtr& each) { return each->nat_traversal.force; });
    Payloads payloads{wire::v1::KeyExchangePayload{transcript.public_r},
                      wire::v1::NoncePayload{transcript.nonce_r}};
    if (facts.nat.supported)
        for (auto& each :
             nat_detection_payloads(facts, state.suite.prf, state.peer,
                                    forced ? SourceNotify::altered : SourceNotify::truthful))
            payloads.push_back(std::move(each));
    auto messages = in_clear(turn, facts, header_for(facts, main_mode, {}), payloads, name);
    turn.send(facts.path, messages);
    return MainModeKeyAnswered{
        .candidates = std::move(state.candidates),
        .suite = state.suite,
        .peer_lifetime = state.peer_lifetime,
        .peer = std::move(state.peer),
        .key_exchange = std::move(*key_exchange),
        .shared_secret = std::nullopt,
        .transcript = std::move(transcript),
        .last = {{received.octets.begin(), received.octets.end()}, std::move(messages)},
        .arrows = std::move(state.arrows),
        .give_up = state.give_up};
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeKeyAnswered state,
                      const Received& received) {
    const auto* message = std::get_if<wire::v1::EncryptedMessage>(&received.message);
    if (!message || message->header.exchange != main_mode) {
        ++turn.dropped.unexpected;
        return state;
    }
    if (state.attempts == most_attempts) {
        ++turn.dropped.half_open_limit;
        return state;
    }
    ++state.attempts;
    if (!state.shared_secret) {
        auto secret = state.key_exchange.agree(state.transcript.public_i, turn.rng);
        if (!secret) {
            turn.outcomes.emplace_back(outcome::Failed{
                name_of(state.candidates),
                cause::ProtocolViolation{main_mode, "KE is not a valid public value"}});
            return Gone{};
        }
        state.shared_secret = std::move(*secret);
    }
    auto peer = authenticate(turn, facts, state, *message);
    if (!peer) {
        ++turn.dropped.integrity_failed;
        doubt(turn, facts, state, received.path);
        return state;
    }
    if (peer->accepting.empty())
        return refuse_identity(turn, facts, std::move(state), *peer);
    return accept(turn, facts, std::move(state), std::move(*peer), received);
}

} // namespace viaduct::ike::v1
