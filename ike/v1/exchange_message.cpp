#include "ike/v1/exchange_message.h"

#include "ike/crypto/v1_encryption.h"
#include "ike/v1/fragmentation.h"
#include "ike/wire/payload_chain.h"

namespace viaduct::ike::v1 {

namespace {

wire::v1::PayloadType first_of(const wire::Header& header) {
    return wire::v1::PayloadType{static_cast<std::uint8_t>(header.next_payload)};
}

std::optional<Messages> seal_chain(const IkeSaFacts& facts, const IsakmpKeys& keys,
                                   wire::Octets& vector, const wire::Header& header,
                                   wire::v1::PayloadType first,
                                   std::span<const std::uint8_t> chain) {
    auto sealed = crypto::encrypt_v1_message(keys.suite, keys.cipher, vector, chain);
    if (!sealed)
        return std::nullopt;
    vector = std::move(sealed->next_vector);
    return fragmented(facts, header,
                      wire::v1::encode_encrypted_message(header, first, sealed->text));
}

} // namespace

wire::Header header_for(const IkeSaFacts& facts, wire::ExchangeType exchange, wire::MessageId id) {
    return {.initiator_spi = facts.initiator_spi,
            .responder_spi = facts.responder_spi,
            .major_version = 1,
            .exchange = exchange,
            .message_id = id};
}

std::string report_message(Turn& turn, const IkeSaFacts& facts, Direction direction,
                           const wire::Header& header, std::span<const wire::v1::Payload> payloads,
                           const std::string& connection) {
    auto text = wire::v1::arrow_notation(header.exchange, payloads);
    // The initiator of phase 1 stands on the left, as in the RFC's pictures.
    const bool from_initiator = (facts.role == Role::initiator) == (direction == Direction::sent);
    text = from_initiator ? text + " -->" : "<-- " + text;
    turn.report(MessageReport{
        .direction = direction,
        .path = facts.path,
        .initiator_spi = header.initiator_spi,
        .responder_spi = header.responder_spi,
        .message_id = header.message_id,
        .response = false,
        .connection = connection,
        .arrow = text,
        .details = turn.settings.message_details ? wire::v1::describe(payloads) : std::string(),
    });
    return text;
}

std::optional<Decrypted> decrypt(const IsakmpKeys& keys, std::span<const std::uint8_t> vector,
                                 const wire::v1::EncryptedMessage& message) {
    auto opened = crypto::decrypt_v1_message(keys.suite, keys.cipher, vector, message.ciphertext);
    if (!opened)
        return std::nullopt;
    auto chain = wire::v1::decode_chain(first_of(message.header), opened->text);
    if (!chain || chain->payloads.empty())
        return std::nullopt;
    return Decrypted{std::move(*chain), std::move(opened->next_vector)};
}

wire::Octets first_vector(const IsakmpKeys& keys, wire::MessageId id) {
    return crypto::first_vector(keys.suite, keys.vector, id).value_or(wire::Octets{});
}

Messages in_clear(Turn& turn, const IkeSaFacts& facts, const wire::Header& header,
                  const Payloads& payloads, const std::string& connection) {
    report_message(turn, facts, Direction::sent, header, payloads, connection);
    return fragmented(facts, header, wire::v1::encode_message(header, payloads));
}

std::optional<Messages> seal(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                             wire::Octets& vector, const wire::Header& header,
                             const Payloads& payloads, const std::string& connection) {
    auto messages = seal_chain(facts, keys, vector, header, wire::v1::first_type(payloads),
                               wire::v1::encode_chain(payloads));
    if (messages)
        report_message(turn, facts, Direction::sent, header, payloads, connection);
    return messages;
}

std::optional<Messages> seal_hashed(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                                    wire::Octets& vector, const wire::Header& header,
                                    const Payloads& behind, const HashMaker& hash,
                                    const std::string& connection) {
    const auto rest = wire::v1::encode_chain(behind);
    auto content = hash(rest);
    if (!content)
        return std::nullopt;
    wire::v1::HashPayload in_front{std::move(*content)};
    auto messages =
        seal_chain(facts, keys, vector, header, wire::v1::PayloadType::hash,
                   wire::v1::encode_behind_hash(in_front, wire::v1::first_type(behind), rest));
    if (messages) {
        Payloads whole{std::move(in_front)};
        whole.insert(whole.end(), behind.begin(), behind.end());
        report_message(turn, facts, Direction::sent, header, whole, connection);
    }
    return messages;
}

wire::Octets body_of(const wire::v1::Payload& payload) {
    const auto chain = wire::v1::encode_chain(std::span(&payload, 1));
    return {chain.begin() + wire::payload_header_length, chain.end()};
}

} // namespace viaduct::ike::v1
