// Sealing and opening the encrypted payload (RFC 7296 section 3.14, RFC 5282).
#pragma once

#include "ike/crypto/v2_key_schedule.h"
#include "ike/wire/v2_message.h"

#include <botan/rng.h>

namespace viaduct::ike::crypto {

/// The keys of one direction of an IKE SA.
struct DirectionKeys {
    policy::Secret encryption;
    policy::Secret integrity;
};
DirectionKeys initiator_direction(const IkeKeys& keys);
DirectionKeys responder_direction(const IkeKeys& keys);

/// The opened content of SK or SKF. Made by open_v2_message() only: whoever holds one knows that
/// the sender has the keys.
class OpenedPayload {
public:
    wire::PayloadType first() const { return first_; }
    std::span<const std::uint8_t> octets() const { return octets_; }

private:
    friend std::expected<OpenedPayload, CryptoError> open_v2_message(const policy::IkeSuite&,
                                                                     const DirectionKeys&,
                                                                     std::span<const std::uint8_t>,
                                                                     const wire::EncryptedPayload&);
    OpenedPayload(wire::PayloadType first, Botan::secure_vector<std::uint8_t> octets)
        : first_(first), octets_(std::move(octets)) {}

    wire::PayloadType first_;
    Botan::secure_vector<std::uint8_t> octets_;
};

/// Verifies and decrypts the SK or SKF payload that ends `datagram`. Verification comes before
/// anything else is looked at, padding is checked after it.
std::expected<OpenedPayload, CryptoError> open_v2_message(const policy::IkeSuite& suite,
                                                          const DirectionKeys& keys,
                                                          std::span<const std::uint8_t> datagram,
                                                          const wire::EncryptedPayload& encrypted);

/// Builds a whole message: header, SK with the payloads inside. `counter` makes the AEAD's nonce:
/// it must never repeat under the same keys (each message sent takes the next one); CBC draws its
/// vector from `rng`.
std::expected<wire::Octets, CryptoError>
seal_v2_message(const policy::IkeSuite& suite, const DirectionKeys& keys, wire::Header header,
                std::span<const wire::Payload> payloads, std::uint64_t counter,
                Botan::RandomNumberGenerator& rng);

/// Splits the content of SK (a chain of payloads that begins with a `first`) into SKF payloads and
/// builds a whole message around each (RFC 7383 section 2.5). No message is longer than `longest`
/// octets. Each fragment takes one value of `counter`. Fails with bad_length when a message of that
/// length has no room for content, or too many would be needed.
std::expected<std::vector<wire::Octets>, CryptoError>
seal_v2_fragments(const policy::IkeSuite& suite, const DirectionKeys& keys, wire::Header header,
                  wire::PayloadType first, std::span<const std::uint8_t> content,
                  std::size_t longest, std::uint64_t& counter, Botan::RandomNumberGenerator& rng);

} // namespace viaduct::ike::crypto
