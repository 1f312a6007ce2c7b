// Opening and sealing the messages of an ISAKMP SA, with their record in arrow notation.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

#include <functional>
#include <optional>
#include <span>

namespace viaduct::ike::v1 {

using Payloads = std::vector<wire::v1::Payload>;

/// The header of a message that we send.
wire::Header header_for(const IkeSaFacts& facts, wire::ExchangeType exchange, wire::MessageId id);

/// Reports a message. What comes back is its arrow notation.
std::string report_message(Turn& turn, const IkeSaFacts& facts, Direction direction,
                           const wire::Header& header, std::span<const wire::v1::Payload> payloads,
                           const std::string& connection);

/// A decrypted chain of payloads. Nothing is authenticated yet: what a wrong key, or somebody
/// without one, makes of a ciphertext is as a rule no chain.
struct Decrypted {
    wire::v1::Chain chain;
    /// Of the next message of the exchange, if this one is authentic.
    wire::Octets next_vector;
};
std::optional<Decrypted> decrypt(const IsakmpKeys& keys, std::span<const std::uint8_t> vector,
                                 const wire::v1::EncryptedMessage& message);

/// The first vector of an exchange under phase 1.
wire::Octets first_vector(const IsakmpKeys& keys, wire::MessageId id);

/// Encodes a message in clear and reports it; sends nothing.
Messages in_clear(Turn& turn, const IkeSaFacts& facts, const wire::Header& header,
                  const Payloads& payloads, const std::string& connection);

/// Seals a message of phase 1 and reports it; `vector` becomes that of the next message. Sends
/// nothing. Nothing when encryption failed.
std::optional<Messages> seal(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                             wire::Octets& vector, const wire::Header& header,
                             const Payloads& payloads, const std::string& connection);

/// Makes the content of HASH from the octets of the payloads behind it.
using HashMaker = std::function<std::expected<wire::Octets, crypto::CryptoError>(
    std::span<const std::uint8_t> behind)>;
/// The same with a HASH payload in front.
std::optional<Messages> seal_hashed(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                                    wire::Octets& vector, const wire::Header& header,
                                    const Payloads& behind, const HashMaker& hash,
                                    const std::string& connection);

/// What a payload's generic header precedes: `SAi_b`, `IDii_b`.
wire::Octets body_of(const wire::v1::Payload& payload);

} // namespace viaduct::ike::v1
