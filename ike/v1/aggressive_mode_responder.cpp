#include "ike/v1/aggressive_mode_responder.h"

#include "ike/v1/established.h"
#include "ike/v1/extensions.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/informational.h"
#include "ike/v1/phase_one.h"
#include "ike/v1/phase_one_proposal.h"
#include "ike/v1/timers.h"
#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_message_rules.h"
#include "policy/connection_lookup.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

std::string name_of(const std::vector<ConnectionPtr>& candidates) {
    return candidates.size() == 1 ? candidates.front()->name : std::string();
}

std::unexpected<FirstMessageRefused> refused(Turn& turn, const IkeSaFacts& facts,
                                             wire::v1::NotifyType type, Cause why,
                                             std::string connection) {
    return std::unexpected(FirstMessageRefused{clear_notification(turn, facts, type, connection),
                                               std::move(why), std::move(connection)});
}

/// The best of those that accept the identity.
ConnectionPtr accepting(const std::vector<ConnectionPtr>& candidates,
                        const policy::Identity& peer) {
    std::vector<const policy::Connection*> pointers;
    pointers.reserve(candidates.size());
    for (const auto& each : candidates)
        pointers.push_back(each.get());
    const auto matches = policy::matching_identity(pointers, peer, std::nullopt);
    if (matches.empty())
        return nullptr;
    return *std::ranges::find(candidates, matches.front(), &ConnectionPtr::get);
}

cause::IdentityMismatch mismatch(const policy::Identity& peer,
                                 const std::vector<ConnectionPtr>& candidates) {
    cause::IdentityMismatch why{shortened(peer), {}};
    for (const auto& each : candidates)
        why.expected.push_back(each->peer_id);
    return why;
}

/// The group whose public values have the length of the peer's and that its transforms name first.
policy::KeyExchangeMethod group_of(const wire::v1::AggressiveModeRequest& request) {
    for (const auto& proposal : request.sa.proposals)
        for (const auto& transform : proposal.transforms) {
            const auto suite = wire::v1::read_phase_one_suite(transform);
            if (!suite || !suite->group)
                continue;
            const policy::KeyExchangeMethod group{*suite->group};
            const auto* known = policy::facts(group);
            if (known && known->public_value == request.key_exchange.data.size())
                return group;
        }
    return policy::KeyExchangeMethod::none;
}

/// What was computed for the second message.
struct Made {
    PhaseOneChoice choice;
    IsakmpKeys keys;
    Transcript transcript;
};

std::expected<Made, Cause> make(Turn& turn, const IkeSaFacts& facts,
                                const policy::Connection& connection,
                                wire::v1::AggressiveModeRequest& request) {
    const auto group = group_of(request);
    auto choice = choose_phase_one(connection, request.sa, group);
    if (!choice)
        return std::unexpected(choice.error());
    // What is refused leaves no half-open SA, which would count: no key pair is made for it.
    const auto method = choice->suite.key_exchange;
    if (!crypto::is_public_value(method, request.key_exchange.data))
        return std::unexpected(
            cause::ProtocolViolation{aggressive_mode, "KE is not a valid public value"});
    const auto ours = crypto::KeyExchange::generate(method, turn.rng);
    if (!ours)
        return std::unexpected(cause::LocalFault{"no key pair could be made"});
    const auto secret = ours->agree(request.key_exchange.data, turn.rng);
    if (!secret)
        return std::unexpected(cause::LocalFault{std::string(crypto::to_string(secret.error()))});
    const auto value = ours->public_value();
    Transcript transcript{.sa_body = std::move(request.sa_body),
                          .public_i = std::move(request.key_exchange.data),
                          .public_r = {value.begin(), value.end()},
                          .nonce_i = std::move(request.nonce.data),
                          .nonce_r = draw_nonce(turn)};
    auto keys = derive_keys(facts, choice->suite, connection.psk, *secret, transcript);
    if (!keys)
        return std::unexpected(keys.error());
    return Made{std::move(*choice), std::move(*keys), std::move(transcript)};
}

/// The third message, encrypted or in clear: RFC 2409 5.4 leaves that open.
struct ThirdMessage {
    wire::v1::Chain chain;
    wire::Octets next_vector;
    bool encrypted = false;
};
std::optional<ThirdMessage> third_message(const AggressiveModeAnswered& state,
                                          const Received& received) {
    if (const auto* clear = std::get_if<wire::v1::ClearMessage>(&received.message))
        return ThirdMessage{clear->chain, state.keys.vector, false};
    const auto* sealed = std::get_if<wire::v1::EncryptedMessage>(&received.message);
    auto opened = sealed ? decrypt(state.keys, state.keys.vector, *sealed) : std::nullopt;
    if (!opened)
        return std::nullopt;
    return ThirdMessage{std::move(opened->chain), std::move(opened->next_vector), true};
}

} // namespace

std::expected<AggressiveModeAnswered, FirstMessageRefused>
answer_aggressive_mode(Turn& turn, IkeSaFacts& facts, std::vector<ConnectionPtr> candidates,
                       const Received& received) {
    const auto& message = std::get<wire::v1::ClearMessage>(received.message);
    auto request = wire::v1::read_aggressive_mode_request(message.chain);
    if (!request) {
        ++turn.dropped.malformed;
        return std::unexpected(FirstMessageRefused{});
    }
    // The hash that we would answer with can be guessed at leisure: nobody gets it by default.
    const auto all = name_of(candidates);
    std::erase_if(candidates, [](const ConnectionPtr& each) { return !each->aggressive; });
    if (candidates.empty())
        return std::unexpected(FirstMessageRefused{{}, cause::AggressiveModeOff{}, all});
    const auto peer_id = wire::v1::identity_of(request->id);
    const auto connection = accepting(candidates, peer_id);
    if (!connection)
        return refused(turn, facts, wire::v1::NotifyType::invalid_id_information,
                       mismatch(peer_id, candidates), name_of(candidates));
    auto arrow = report_message(turn, facts, Direction::received, message.header,
                                message.chain.payloads, connection->name);
    PeerExtensions peer;
    add_extensions(peer, request->vendor_ids);
    auto made = make(turn, facts, *connection, *request);
    if (!made)
        return refused(turn, facts, offer_refusal(made.error()), made.error(), connection->name);
    const auto id = own_id(*connection);
    auto proof = own_authentication(facts, made->keys, made->transcript, body_of(id));
    if (!proof)
        return std::unexpected(FirstMessageRefused{{}, proof.error(), connection->name});
    Payloads payloads{std::move(made->choice.answer),
                      wire::v1::KeyExchangePayload{made->transcript.public_r},
                      wire::v1::NoncePayload{made->transcript.nonce_r}, id, std::move(*proof)};
    for (auto& each : nat_detection_payloads(
             facts, made->keys.suite.prf, peer,
             connection->nat_traversal.force ? SourceNotify::altered : SourceNotify::truthful))
        payloads.push_back(std::move(each));
    for (auto& each : answered_vendor_ids({connection}, peer))
        payloads.push_back(std::move(each));
    auto messages =
        in_clear(turn, facts, header_for(facts, aggressive_mode, {}), payloads, connection->name);
    turn.send(facts.path, messages);
    return AggressiveModeAnswered{
        .connection = connection,
        .peer_id = peer_id,
        .keys = std::move(made->keys),
        .peer_lifetime = made->choice.lifetime,
        .peer = std::move(peer),
        .transcript = std::move(made->transcript),
        .id_body = std::move(request->id_body),
        .last = {{received.octets.begin(), received.octets.end()}, std::move(messages)},
        .arrows = {std::move(arrow)},
        .give_up = turn.now + half_open_time};
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, AggressiveModeAnswered state,
                      const Received& received) {
    const auto exchange = wire::v1::header_of(received.message).exchange;
    const auto* sealed = std::get_if<wire::v1::EncryptedMessage>(&received.message);
    if (sealed && exchange == wire::ExchangeType::informational_v1)
        return consume_early_informational(turn, facts, std::move(state), *sealed);
    if (exchange != aggressive_mode) {
        // The peer goes on: its third message was lost, and the second brings it again.
        ++turn.dropped.unexpected;
        turn.send(facts.path, state.last.answer);
        return state;
    }
    auto third = third_message(state, received);
    const auto auth = third ? wire::v1::read_aggressive_mode_auth(third->chain)
                            : wire::v1::read_aggressive_mode_auth({});
    auto flaw =
        auth ? check_authentication(facts, state.keys, state.transcript, state.connection->name,
                                    state.peer_id, state.id_body, auth->hash, auth->signature)
             : unopened_by(facts, received.path, {state.connection});
    if (flaw) {
        ++turn.dropped.integrity_failed;
        doubt_proof(turn, facts, state, received.path, std::move(*flaw));
        return state;
    }
    report_message(turn, facts, Direction::received, wire::v1::header_of(received.message),
                   third->chain.payloads, state.connection->name);
    state.keys.vector = std::move(third->next_vector);
    // In clear no hash covers it (RFC 2407 4.6.3).
    const bool first_contact =
        third->encrypted && contains(auth->notifies, wire::v1::NotifyType::initial_contact);
    if (const auto why = no_further_sa(turn, *state.connection, state.peer_id,
                                       received.path.remote.address, FirstContact{first_contact}))
        return refuse_further(turn, facts, state.keys, state.connection->name, *why);
    add_extensions(state.peer, auth->vendor_ids);
    agree_on_fragmentation(facts, state.peer, state.connection->ike.fragmentation);
    facts.nat = detect_nat(auth->nat_detection, facts, state.keys.suite.prf, received.path);
    // Some speak of the ports of the second message although the third has left them.
    if (facts.nat.local_behind_nat && received.path != facts.path)
        facts.nat = detect_nat(auth->nat_detection, facts, state.keys.suite.prf, facts.path);
    facts.nat.forced = facts.nat.supported && state.connection->nat_traversal.force;
    facts.path = received.path;
    const auto lifetime = agreed_lifetime(*state.connection, state.peer_lifetime);
    const bool is_shorter = is_shorter_than_offered(lifetime, state.peer_lifetime);
    auto sa = establish(turn, facts,
                        {.connection = std::move(state.connection),
                         .peer_id = std::move(state.peer_id),
                         .keys = std::move(state.keys),
                         .peer = std::move(state.peer),
                         .nonce_i = std::move(state.transcript.nonce_i),
                         .nonce_r = std::move(state.transcript.nonce_r),
                         .lifetime = lifetime,
                         .initial_contact = first_contact,
                         .last = std::nullopt});
    // The exchange has no message for it that is protected.
    if (is_shorter)
        send_informational(turn, facts, sa, {responder_lifetime(facts, lifetime)});
    return sa;
}

} // namespace viaduct::ike::v1
