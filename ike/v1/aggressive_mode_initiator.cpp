#include "ike/v1/aggressive_mode_initiator.h"

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

IsakmpSaState fail(Turn& turn, const ConnectionPtr& connection, Cause why) {
    turn.outcomes.emplace_back(outcome::Failed{connection->name, std::move(why)});
    return Gone{};
}

std::optional<Cause> authenticate(const IkeSaFacts& facts, const AggressiveModeSent& state,
                                  const IsakmpKeys& keys, const Transcript& transcript,
                                  const wire::v1::AggressiveModeResponse& answer,
                                  const policy::Identity& peer) {
    auto why = check_authentication(facts, keys, transcript, state.connection->name, peer,
                                    answer.id_body, answer.hash, answer.signature);
    if (!why && !state.connection->peer_id.matches(peer))
        why = cause::IdentityMismatch{shortened(peer), {state.connection->peer_id}};
    return why;
}

/// So that its operator learns why, too. Who has another secret cannot open what we seal.
void tell_peer(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys, const Cause& why,
               const std::string& connection) {
    if (std::holds_alternative<cause::IdentityMismatch>(why))
        refuse_peer(turn, facts, keys, why, connection);
    else
        turn.send(facts.path, clear_notification(turn, facts, notification_type(why), connection));
}

IsakmpSaState send_authentication(Turn& turn, IkeSaFacts& facts, AggressiveModeSent state,
                                  PhaseOneResult made, const Transcript& transcript) {
    auto proof = own_authentication(facts, made.keys, transcript, state.id_body);
    if (!proof)
        return fail(turn, state.connection, proof.error());
    // RFC 3947 4: the third message goes to the port for NAT already, and speaks of it.
    if (facts.nat.found())
        float_ports(turn, facts, *state.connection);
    Payloads payloads{std::move(*proof)};
    for (auto& each :
         nat_detection_payloads(facts, made.keys.suite.prf, made.peer,
                                state.connection->nat_traversal.force ? SourceNotify::altered
                                                                      : SourceNotify::truthful))
        payloads.push_back(std::move(each));
    if (turn.is_initial_contact(*state.connection))
        payloads.emplace_back(initial_contact(facts));
    auto messages = seal(turn, facts, made.keys, made.keys.vector,
                         header_for(facts, aggressive_mode, {}), payloads, state.connection->name);
    if (!messages)
        return fail(turn, state.connection, cause::LocalFault{"a message could not be sealed"});
    turn.send(facts.path, *messages);
    made.last->answer = std::move(*messages);
    return establish(turn, facts, std::move(made));
}

} // namespace

IsakmpSaState begin_aggressive_mode(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection) {
    const auto group = first_group(connection->ike.proposals);
    auto key_exchange = crypto::KeyExchange::generate(group, turn.rng);
    if (!key_exchange)
        return fail(turn, connection,
                    cause::LocalFault{std::string(crypto::to_string(key_exchange.error()))});
    const auto value = key_exchange->public_value();
    auto nonce = draw_nonce(turn);
    Payloads payloads{phase_one_offer(*connection, group),
                      wire::v1::KeyExchangePayload{{value.begin(), value.end()}},
                      wire::v1::NoncePayload{nonce}, own_id(*connection)};
    auto sa_body = body_of(payloads[0]);
    auto id_body = body_of(payloads[3]);
    for (auto& each : offered_vendor_ids(*connection))
        payloads.push_back(std::move(each));
    auto messages =
        in_clear(turn, facts, header_for(facts, aggressive_mode, {}), payloads, connection->name);
    turn.send(facts.path, messages);
    const auto schedule = connection->ike.first_contact;
    return AggressiveModeSent{
        .connection = std::move(connection),
        .key_exchange = std::move(*key_exchange),
        .sa_body = std::move(sa_body),
        .nonce = std::move(nonce),
        .id_body = std::move(id_body),
        .request = {aggressive_mode, std::move(messages), Retransmission(turn.now, schedule)}};
}

IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, AggressiveModeSent state,
                      const Received& received) {
    const auto* message = std::get_if<wire::v1::ClearMessage>(&received.message);
    if (!message || message->header.exchange != aggressive_mode) {
        ++turn.dropped.unexpected;
        return state;
    }
    auto answer = wire::v1::read_aggressive_mode_response(message->chain);
    if (!answer || message->header.responder_spi == wire::IkeSpi{}) {
        ++turn.dropped.malformed;
        return state;
    }
    report_message(turn, facts, Direction::received, message->header, message->chain.payloads,
                   state.connection->name);
    const auto choice = verify_phase_one(*state.connection, aggressive_mode, answer->sa);
    if (!choice)
        return fail(turn, state.connection, choice.error());
    const auto secret = choice->suite.key_exchange == state.key_exchange.method()
                            ? state.key_exchange.agree(answer->key_exchange.data, turn.rng)
                            : std::unexpected(crypto::CryptoError::bad_public_value);
    if (!secret)
        return fail(turn, state.connection,
                    cause::ProtocolViolation{aggressive_mode, "KE is not a valid public value"});
    facts.responder_spi = message->header.responder_spi;
    const auto value = state.key_exchange.public_value();
    Transcript transcript{.sa_body = std::move(state.sa_body),
                          .public_i = {value.begin(), value.end()},
                          .public_r = std::move(answer->key_exchange.data),
                          .nonce_i = std::move(state.nonce),
                          .nonce_r = std::move(answer->nonce.data)};
    auto keys = derive_keys(facts, choice->suite, state.connection->psk, *secret, transcript);
    if (!keys)
        return fail(turn, state.connection, keys.error());
    const auto peer_id = wire::v1::identity_of(answer->id);
    if (auto why = authenticate(facts, state, *keys, transcript, *answer, peer_id)) {
        tell_peer(turn, facts, *keys, *why, state.connection->name);
        return fail(turn, state.connection, std::move(*why));
    }
    PeerExtensions peer;
    add_extensions(peer, answer->vendor_ids);
    agree_on_fragmentation(facts, peer, state.connection->ike.fragmentation);
    facts.nat = detect_nat(answer->nat_detection, facts, choice->suite.prf, received.path);
    facts.nat.forced = facts.nat.supported && state.connection->nat_traversal.force;
    const auto lifetime = agreed_lifetime(*state.connection, choice->lifetime);
    PhaseOneResult made{.connection = state.connection,
                        .peer_id = peer_id,
                        .keys = std::move(*keys),
                        .peer = std::move(peer),
                        .nonce_i = transcript.nonce_i,
                        .nonce_r = transcript.nonce_r,
                        .lifetime = lifetime,
                        // No hash covers the notifies of this message (RFC 2407 4.6.3).
                        .initial_contact = false,
                        .last = LastAnswer{{received.octets.begin(), received.octets.end()}, {}}};
    return send_authentication(turn, facts, std::move(state), std::move(made), transcript);
}

} // namespace viaduct::ike::v1
