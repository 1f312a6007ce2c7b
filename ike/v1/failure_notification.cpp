#include "ike/v1/failure_notification.h"

#include "ike/v1/informational.h"
#include "ike/v1/phase_one.h"
#include "ike/wire/v1_message_rules.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

using wire::v1::NotifyType;

struct TypeForCause {
    NotifyType operator()(const cause::NoProposal&) { return NotifyType::no_proposal_chosen; }
    NotifyType operator()(const cause::NoSelectors&) { return NotifyType::invalid_id_information; }
    NotifyType operator()(const cause::IdentityMismatch&) {
        return NotifyType::invalid_id_information;
    }
    NotifyType operator()(const cause::ProtocolViolation&) { return NotifyType::payload_malformed; }
    NotifyType operator()(const cause::PeerNotAuthenticated&) {
        return NotifyType::authentication_failed;
    }
    NotifyType operator()(const cause::UnsupportedAuthMethod&) {
        return NotifyType::authentication_failed;
    }
    NotifyType operator()(const auto&) { return NotifyType::no_proposal_chosen; }
};

wire::v1::NotifyPayload notification(const IkeSaFacts& facts, NotifyType type) {
    return {.spi = wire::v1::spi_of({facts.initiator_spi, facts.responder_spi}), .type = type};
}

} // namespace

NotifyType notification_type(const Cause& why) {
    return std::visit(TypeForCause{}, why);
}

NotifyType offer_refusal(const Cause& why) {
    return std::holds_alternative<cause::UnsupportedAuthMethod>(why)
               ? NotifyType::no_proposal_chosen
               : notification_type(why);
}

wire::Octets clear_notification(Turn& turn, const IkeSaFacts& facts, NotifyType type,
                                const std::string& connection) {
    MessageIds ids;
    const auto header = header_for(facts, wire::ExchangeType::informational_v1, ids.draw(turn.rng));
    const Payloads payloads{notification(facts, type)};
    report_message(turn, facts, Direction::sent, header, payloads, connection);
    return wire::v1::encode_message(header, payloads);
}

Messages refuse_peer(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys, const Cause& why,
                     const std::string& connection) {
    MessageIds ids;
    auto messages = seal_informational(turn, facts, keys, ids.draw(turn.rng),
                                       {notification(facts, notification_type(why))}, connection)
                        .value_or(Messages{});
    turn.send(facts.path, messages);
    return messages;
}

Gone refuse_further(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                    const std::string& connection, const Cause& why) {
    refuse_peer(turn, facts, keys, why, connection);
    turn.outcomes.emplace_back(outcome::Failed{connection, why});
    return {};
}

bool is_refusal(NotifyType type) {
    return wire::v1::is_error(type) && type != NotifyType::invalid_spi &&
           type != NotifyType::invalid_cookie;
}

const wire::v1::NotifyPayload* first_error(std::span<const wire::v1::NotifyPayload> notifies) {
    const auto found =
        std::ranges::find_if(notifies, [](const auto& each) { return is_refusal(each.type); });
    return found == notifies.end() ? nullptr : &*found;
}

cause::PeerRefused peer_refusal(wire::ExchangeType exchange, const wire::v1::NotifyPayload& error) {
    return {.exchange = exchange,
            .notify = wire::NotifyType{static_cast<std::uint16_t>(error.type)},
            .our_proposals = {},
            .our_local_selectors = {},
            .our_remote_selectors = {},
            .v1_name = wire::v1::to_string(error.type)};
}

Cause unopened_by(const IkeSaFacts& facts, const policy::UdpPath& path,
                  const std::vector<ConnectionPtr>& tried) {
    cause::PeerNotAuthenticated why{address_identity(path), {}, std::string(peer_proof(facts))};
    for (const auto& each : tried)
        why.connections.push_back(each->name);
    return why;
}

void doubt(Turn& turn, MainModeAuthSent& state, Cause why) {
    if (std::exchange(state.doubted, true))
        return;
    turn.outcomes.emplace_back(
        outcome::Doubt{state.connection->name, Role::initiator, std::move(why)});
}

void doubt(Turn& turn, AggressiveModeAnswered& state, Cause why) {
    if (std::exchange(state.doubted, true))
        return;
    turn.outcomes.emplace_back(
        outcome::Doubt{state.connection->name, Role::responder, std::move(why)});
}

void doubt_proof(Turn& turn, const IkeSaFacts& facts, AggressiveModeAnswered& state,
                 const policy::UdpPath& path, Cause why) {
    if (state.doubted)
        return;
    doubt(turn, state, std::move(why));
    turn.send(path, clear_notification(turn, facts, NotifyType::authentication_failed,
                                       state.connection->name));
}

void doubt(Turn& turn, const IkeSaFacts& facts, MainModeKeyAnswered& state,
           const policy::UdpPath& path) {
    if (std::exchange(state.doubted, true))
        return;
    const auto name = state.candidates.size() == 1 ? state.candidates.front()->name : std::string();
    turn.outcomes.emplace_back(
        outcome::Doubt{name, Role::responder, unopened_by(facts, path, state.candidates)});
    turn.send(path, clear_notification(turn, facts, NotifyType::authentication_failed, name));
}

IsakmpSaState consume_early_informational(Turn& turn, IkeSaFacts& facts, MainModeAuthSent state,
                                          const wire::v1::EncryptedMessage& message) {
    const auto opened =
        open_informational(turn, facts, state.keys, message, state.connection->name);
    const auto* error = opened ? first_error(opened->notifies) : nullptr;
    if (!opened) {
        ++turn.dropped.integrity_failed;
        // Sealed with keys that come of another secret, as a rule.
        doubt(turn, state, unopened_by(facts, facts.path, {state.connection}));
        return state;
    }
    if (!error)
        return state;
    turn.outcomes.emplace_back(outcome::Failed{
        state.connection->name, peer_refusal(wire::ExchangeType::identity_protection, *error)});
    return Gone{};
}

IsakmpSaState consume_early_informational(Turn& turn, IkeSaFacts& facts,
                                          AggressiveModeAnswered state,
                                          const wire::v1::EncryptedMessage& message) {
    const auto opened =
        open_informational(turn, facts, state.keys, message, state.connection->name);
    const auto* error = opened ? first_error(opened->notifies) : nullptr;
    if (error) {
        turn.outcomes.emplace_back(outcome::Failed{
            state.connection->name, peer_refusal(wire::ExchangeType::aggressive, *error)});
        return Gone{};
    }
    if (opened)
        return state;
    ++turn.dropped.integrity_failed;
    doubt(turn, state, unopened_by(facts, facts.path, {state.connection}));
    // Or its third message was lost: the second brings it again.
    turn.send(facts.path, state.last.answer);
    return state;
}

} // namespace viaduct::ike::v1
