#include "ike/v1/main_mode_initiator.h"

#include "ike/v1/established.h"
#include "ike/v1/extensions.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/phase_one.h"
#include "ike/v1/phase_one_proposal.h"
#include "ike/v1/timers.h"
#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_message_rules.h"

namespace viaduct::ike::v1 {

namespace {

using wire::ExchangeType;

IsakmpSaState fail(Turn& turn, const ConnectionPtr& connection, Cause why) {
    turn.outcomes.emplace_back(outcome::Failed{connection->name, std::move(why)});
    return Gone{};
}

Unanswered unanswered(const Turn& turn, const policy::Connection& connection, Messages messages) {
    return {main_mode, std::move(messages), Retransmission(turn.now, connection.ike.first_contact)};
}

/// The clear message of main mode that this one is; null for anything else, which is counted.
const wire::v1::ClearMessage* clear_message(Turn& turn, const Received& received) {
    const auto* message = std::get_if<wire::v1::ClearMessage>(&received.message);
    if (!message || message->header.exchange != main_mode ||
        message->header.message_id != wire::MessageId{}) {
        ++turn.dropped.unexpected;
        return nullptr;
    }
    return message;
}

SourceNotify source_of(const policy::Connection& connection) {
    return connection.nat_traversal.force ? SourceNotify::altered : SourceNotify::truthful;
}

IsakmpSaState send_key_exchange(Turn& turn, IkeSaFacts& facts, MainModeSaSent state,
                                const PhaseOneChoice& choice, PeerExtensions peer) {
    auto key_exchange = crypto::KeyExchange::generate(choice.suite.key_exchange, turn.rng);
    if (!key_exchange)
        return fail(turn, state.connection,
                    cause::LocalFault{std::string(crypto::to_string(key_exchange.error()))});
    const auto value = key_exchange->public_value();
    Transcript transcript{.sa_body = std::move(state.sa_body),
                          .public_i = {value.begin(), value.end()},
                          .public_r = {},
                          .nonce_i = draw_nonce(turn),
                          .nonce_r = {}};
    Payloads payloads{wire::v1::KeyExchangePayload{transcript.public_i},
                      wire::v1::NoncePayload{transcript.nonce_i}};
    for (auto& each :
         nat_detection_payloads(facts, choice.suite.prf, peer, source_of(*state.connection)))
        payloads.push_back(std::move(each));
    auto messages =
        in_clear(turn, facts, header_for(facts, main_mode, {}), payloads, state.connection->name);
    turn.send(facts.path, messages);
    auto request = unanswered(turn, *state.connection, std::move(messages));
    const auto lifetime = agreed_lifetime(*state.connection, choice.lifetime);
    return MainModeKeySent{.connection = std::move(state.connection),
                           .suite = choice.suite,
                           .lifetime = lifetime,
                           .peer = std::move(peer),
                           .key_exchange = std::move(*key_exchange),
                           .transcript = std::move(transcript),
                           .request = std::move(request)};
}

IsakmpSaState send_authentication(Turn& turn, IkeSaFacts& facts, MainModeKeySent state,
                                  IsakmpKeys keys) {
    const auto id = own_id(*state.connection);
    auto proof = own_authentication(facts, keys, state.transcript, body_of(id));
    if (!proof)
        return fail(turn, state.connection, proof.error());
    Payloads payloads{id, std::move(*proof)};
    if (turn.is_initial_contact(*state.connection))
        payloads.emplace_back(initial_contact(facts));
    auto messages = seal(turn, facts, keys, keys.vector, header_for(facts, main_mode, {}), payloads,
                         state.connection->name);
    if (!messages)
        return fail(turn, state.connection, cause::LocalFault{"a message could not be sealed"});
    turn.send(facts.path, *messages);
    auto request = unanswered(turn, *state.connection, std::move(*messages));
    return MainModeAuthSent{.connection = std::move(state.connection),
                            .keys = std::move(keys),
                            .lifetime = state.lifetime,
                            .peer = std::move(state.peer),
                            .transcript = std::move(state.transcript),
                            .request = std::move(request)};
}

} // namespace

IsakmpSaState begin_main_mode(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection) {
    Payloads payloads{phase_one_offer(*connection)};
    auto sa_body = body_of(payloads.front());
    for (auto& each : offered_vendor_ids(*connection))
        payloads.push_back(std::move(each));
    auto messages =
        in_clear(turn, facts, header_for(facts, main_mode, {}), payloads, connection->name);
    turn.send(facts.path, messages);
    auto request = unanswered(turn, *connection, std::move(messages));
    return MainModeSaSent{std::move(connection), std::move(sa_body), std::move(request)};
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeSaSent state,
                      const Received& received) {
    const auto* message = clear_message(turn, received);
    if (!message)
        return state;
    report_message(turn, facts, Direction::received, message->header, message->chain.payloads,
                   state.connection->name);
    const auto answer = wire::v1::read_main_mode_sa_response(message->chain);
    if (!answer || message->header.responder_spi == wire::IkeSpi{}) {
        // Nothing proves that it came from the peer: the true answer may still arrive.
        ++turn.dropped.malformed;
        return state;
    }
    const auto choice = verify_phase_one(*state.connection, main_mode, answer->sa);
    if (!choice)
        return fail(turn, state.connection, choice.error());
    facts.responder_spi = message->header.responder_spi;
    PeerExtensions peer;
    add_extensions(peer, answer->vendor_ids);
    agree_on_fragmentation(facts, peer, state.connection->ike.fragmentation);
    return send_key_exchange(turn, facts, std::move(state), *choice, std::move(peer));
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeKeySent state,
                      const Received& received) {
    const auto* message = clear_message(turn, received);
    if (!message)
        return state;
    report_message(turn, facts, Direction::received, message->header, message->chain.payloads,
                   state.connection->name);
    auto answer = wire::v1::read_main_mode_key_exchange(message->chain);
    if (!answer) {
        // The second message again, perhaps.
        ++turn.dropped.repeated;
        return state;
    }
    add_extensions(state.peer, answer->vendor_ids);
    agree_on_fragmentation(facts, state.peer, state.connection->ike.fragmentation);
    const auto secret = state.key_exchange.agree(answer->key_exchange.data, turn.rng);
    if (!secret)
        return fail(turn, state.connection,
                    violation(main_mode, "KE: " + std::string(crypto::to_string(secret.error()))));
    state.transcript.public_r = std::move(answer->key_exchange.data);
    state.transcript.nonce_r = std::move(answer->nonce.data);
    auto keys = derive_keys(facts, state.suite, state.connection->psk, *secret, state.transcript);
    if (!keys)
        return fail(turn, state.connection, keys.error());
    facts.nat = detect_nat(answer->nat_detection, facts, state.suite.prf, received.path);
    facts.nat.forced = facts.nat.supported && state.connection->nat_traversal.force;
    if (facts.nat.found())
        float_ports(turn, facts, *state.connection);
    return send_authentication(turn, facts, std::move(state), std::move(*keys));
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeAuthSent state,
                      const Received& received) {
    const auto* message = std::get_if<wire::v1::EncryptedMessage>(&received.message);
    if (!message) {
        ++turn.dropped.repeated;
        return state;
    }
    if (message->header.exchange != main_mode)
        return consume_early_informational(turn, facts, std::move(state), *message);
    auto opened = decrypt(state.keys, state.keys.vector, *message);
    if (!opened) {
        ++turn.dropped.integrity_failed;
        doubt(turn, state, unopened_by(facts, facts.path, {state.connection}));
        return state;
    }
    const auto answer = wire::v1::read_main_mode_auth(opened->chain);
    if (!answer) {
        ++turn.dropped.malformed;
        return state;
    }
    report_message(turn, facts, Direction::received, message->header, opened->chain.payloads,
                   state.connection->name);
    const auto peer = wire::v1::identity_of(answer->id);
    auto why = check_authentication(facts, state.keys, state.transcript, state.connection->name,
                                    peer, answer->id_body, answer->hash, answer->signature);
    if (!why && !state.connection->peer_id.matches(peer))
        why = cause::IdentityMismatch{shortened(peer), {state.connection->peer_id}};
    state.keys.vector = std::move(opened->next_vector);
    if (why) {
        refuse_peer(turn, facts, state.keys, *why, state.connection->name);
        return fail(turn, state.connection, std::move(*why));
    }
    facts.path = received.path;
    add_extensions(state.peer, answer->vendor_ids);
    const auto told = told_lifetimes(answer->notifies, policy::ProtocolId::ike).seconds;
    const auto lifetime = told ? shorter_of(state.lifetime, *told) : state.lifetime;
    return establish(
        turn, facts,
        {.connection = std::move(state.connection),
         .peer_id = peer,
         .keys = std::move(state.keys),
         .peer = std::move(state.peer),
         .nonce_i = std::move(state.transcript.nonce_i),
         .nonce_r = std::move(state.transcript.nonce_r),
         .lifetime = lifetime,
         .confirmed = true,
         .initial_contact = contains(answer->notifies, wire::v1::NotifyType::initial_contact),
         .last = std::nullopt});
}

} // namespace viaduct::ike::v1
