#include "ike/v2/exchange_message.h"

#include "ike/peer_address.h"
#include "ike/v2/fragmentation.h"

namespace viaduct::ike::v2 {

namespace {

std::string arrow(const wire::Header& header, std::span<const wire::Payload> payloads, Role role,
                  Direction direction) {
    const auto kind = header.response ? wire::Direction::response : wire::Direction::request;
    auto text = wire::arrow_notation(header.exchange, payloads, kind);
    // The initiator of the IKE SA stands on the left, as in the RFC's pictures.
    const bool from_initiator = (role == Role::initiator) == (direction == Direction::sent);
    return from_initiator ? text + " -->" : "<-- " + text;
}

} // namespace

std::string report_message(Turn& turn, const IkeSaFacts& facts, Direction direction,
                           const wire::Header& header, std::span<const wire::Payload> payloads,
                           const std::string& connection) {
    auto text = arrow(header, payloads, facts.role, direction);
    turn.report(MessageReport{
        .direction = direction,
        .path = facts.path,
        .initiator_spi = header.initiator_spi,
        .responder_spi = header.responder_spi,
        .message_id = header.message_id,
        .response = header.response,
        .connection = connection,
        .arrow = text,
        .details = turn.settings.message_details ? wire::describe(payloads) : std::string(),
    });
    return text;
}

OpenedMessage open(Turn& turn, IkeSaFacts& facts, const MessageKeys& keys, const Received& received,
                   const std::string& connection) {
    if (!received.outer.encrypted) {
        ++turn.dropped.unexpected;
        return OpenedMessage::not_authentic();
    }
    if (received.outer.fragment && !wants_fragment(turn, facts, received.outer))
        return OpenedMessage::not_authentic();
    const auto opened = crypto::open_v2_message(keys.suite, keys.receive, received.message,
                                                *received.outer.encrypted);
    if (!opened) {
        ++turn.dropped.integrity_failed;
        return OpenedMessage::not_authentic();
    }
    std::optional<AssembledContent> assembled;
    if (received.outer.fragment) {
        assembled = take_fragment(turn, facts, received, *opened);
        if (!assembled)
            return OpenedMessage::not_authentic();
    }
    follow_peer(facts, received.path);
    auto payloads = assembled ? wire::decode_v2_payloads(assembled->first, assembled->octets)
                              : wire::decode_v2_payloads(opened->first(), opened->octets());
    if (!payloads)
        return {payloads.error()};
    report_message(turn, facts, Direction::received, received.outer.header, *payloads, connection);
    return {AuthenticatedPayloads(std::move(*payloads))};
}

wire::Header header_for(const IkeSaFacts& facts, wire::ExchangeType exchange, MessageKind kind,
                        wire::MessageId id) {
    return {.initiator_spi = facts.initiator_spi,
            .responder_spi = facts.responder_spi,
            .exchange = exchange,
            .initiator = facts.role == Role::initiator,
            .response = kind == MessageKind::response,
            .message_id = id};
}

std::optional<Messages> seal(Turn& turn, const IkeSaFacts& facts, MessageKeys& keys,
                             wire::ExchangeType exchange, MessageKind kind, wire::MessageId id,
                             std::span<const wire::Payload> payloads,
                             const std::string& connection) {
    const auto header = header_for(facts, exchange, kind, id);
    auto sealed =
        crypto::seal_v2_message(keys.suite, keys.send, header, payloads, keys.counter, turn.rng);
    ++keys.counter;
    if (!sealed)
        return std::nullopt;
    auto messages = fragmented(turn, facts, keys, std::move(*sealed), payloads);
    if (!messages)
        return std::nullopt;
    report_message(turn, facts, Direction::sent, header, payloads, connection);
    return std::move(*messages);
}

} // namespace viaduct::ike::v2
