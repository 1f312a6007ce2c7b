// IKEv1 messages between octets and payloads. Decryption and hashes are elsewhere (ike/crypto);
// what they cover is told here, as it came.
#pragma once

#include "ike/wire/header.h"
#include "ike/wire/v1_payload.h"

namespace viaduct::ike::wire::v1 {

/// Where something lies in a chain's octets.
struct Extent {
    std::size_t offset = 0;
    std::size_t length = 0;
    friend bool operator==(const Extent&, const Extent&) = default;
};

/// Payloads with the octets that they were read from: the hashes of RFC 2409 section 5 cover
/// payloads as their sender wrote them.
struct Chain {
    /// From the first generic payload header to the end of the last payload, without padding.
    Octets octets;
    std::vector<Payload> payloads;
    /// Of each payload what follows its generic header: `SAi_b`, `IDii_b`, `Ni_b` in RFC 2409.
    std::vector<Extent> bodies;

    std::span<const std::uint8_t> body(std::size_t payload) const;
    /// Everything behind this payload, with its generic headers.
    std::span<const std::uint8_t> behind(std::size_t payload) const;
};

/// A message in clear.
struct ClearMessage {
    Header header;
    Chain chain;
};

/// A message whose encryption flag is set. Behind the header (28 octets) it is one ciphertext,
/// whose initialization vector is not sent (RFC 2409 appendix B).
struct EncryptedMessage {
    Header header;
    Octets ciphertext;
};

/// A part of a message. Its own flags say nothing about what is inside.
struct FragmentMessage {
    Header header;
    FragmentPayload fragment;
};

using Message = std::variant<ClearMessage, EncryptedMessage, FragmentMessage>;

const Header& header_of(const Message& message);

/// Reads a datagram. Fails on a major version other than 1, and on an encrypted message without
/// ciphertext.
Decoded<Message> decode_message(std::span<const std::uint8_t> datagram);

/// Reads a chain of payloads, such as a decrypted message. Octets behind the last payload are
/// padding, at most `limit::padding`, whatever they hold.
Decoded<Chain> decode_chain(PayloadType first, std::span<const std::uint8_t> octets);

/// Writes a chain of payloads.
Octets encode_chain(std::span<const Payload> payloads);
/// Writes a HASH payload and behind it a chain that is already written: what is hashed is made
/// first.
Octets encode_behind_hash(const HashPayload& hash, PayloadType first,
                          std::span<const std::uint8_t> chain);

/// Writes a message in clear. Fills version, encryption flag, next payload and length.
Octets encode_message(Header header, std::span<const Payload> payloads);
/// Writes a message around a ciphertext, padding included.
Octets encode_encrypted_message(Header header, PayloadType first,
                                std::span<const std::uint8_t> ciphertext);

/// The type that a header or a HASH payload names as the next.
PayloadType first_type(std::span<const Payload> payloads);

/// Arrow notation: `QUICK_MODE { HASH, SA, NONCE, KE, ID, ID }`. At most `limit::payloads` payloads
/// are named, `…` stands for the rest.
std::string arrow_notation(ExchangeType exchange, std::span<const Payload> payloads);
/// The same with the payloads' contents decoded, one payload a line. Never key material: KE, nonce,
/// hash and signature are shown by length. Only printing characters; lines are cut behind
/// `limit::text_line` octets.
std::string describe(std::span<const Payload> payloads);

} // namespace viaduct::ike::wire::v1
