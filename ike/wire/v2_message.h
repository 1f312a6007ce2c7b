// IKEv2 messages between octets and payloads. The encrypted payload is opened and sealed elsewhere
// (ike/crypto); this file finds it and builds around it.
#pragma once

#include "ike/wire/header.h"
#include "ike/wire/v2_payload.h"

namespace viaduct::ike::wire {

/// An SK or SKF payload that has not been opened (RFC 7296 section 3.14, RFC 7383 section 2.5).
struct EncryptedPayload {
    /// In SKF meant for the first fragment only.
    PayloadType first_inner = PayloadType::none;
    /// Where the body (initialization vector, ciphertext, integrity check) starts in the datagram;
    /// it reaches to the end of the datagram.
    std::size_t body_offset = 0;
    friend bool operator==(const EncryptedPayload&, const EncryptedPayload&) = default;
};

/// Which part of a message an SKF payload is: 1 <= number <= total (RFC 7383 section 2.5).
struct FragmentNumber {
    std::uint16_t number = 1;
    std::uint16_t total = 1;
    friend bool operator==(const FragmentNumber&, const FragmentNumber&) = default;
};

/// A datagram's outer structure.
struct OuterMessage {
    Header header;
    /// Payloads in clear, before an SK or SKF payload.
    std::vector<Payload> payloads;
    std::optional<EncryptedPayload> encrypted;
    /// Set when `encrypted` is SKF.
    std::optional<FragmentNumber> fragment;
};

/// Reads the header and the payloads outside SK. Fails on an unknown critical payload, on anything
/// behind SK and on a major version other than 2.
Decoded<OuterMessage> decode_v2_message(std::span<const std::uint8_t> datagram);

/// Reads a chain of payloads, such as the opened content of SK. All of `octets` must be used.
Decoded<std::vector<Payload>> decode_v2_payloads(PayloadType first,
                                                 std::span<const std::uint8_t> octets);

/// Writes a message without SK. Fills next payload and length in the header.
Octets encode_v2_message(Header header, std::span<const Payload> payloads);

/// Writes a chain of payloads as it stands inside SK.
Octets encode_v2_payloads(std::span<const Payload> payloads);

/// The header and SK payload header for a body of `body_length` octets: what goes before the body,
/// and what an AEAD takes as associated data (RFC 5282 section 5.1).
Octets encode_v2_encrypted_prefix(Header header, PayloadType first_inner, std::size_t body_length);
/// The same for SKF. Only the first fragment names the first payload inside.
Octets encode_v2_fragment_prefix(Header header, PayloadType first_inner, FragmentNumber fragment,
                                 std::size_t body_length);

enum class Direction : std::uint8_t { request, response };

/// Arrow notation: `IKE_AUTH { IDi, AUTH, SA, TSi, TSr, N(INITIAL_CONTACT) }`. The direction tells
/// Ni from Nr. At most `limit::payloads` payloads are named, `…` stands for the rest.
std::string arrow_notation(ExchangeType exchange, std::span<const Payload> payloads,
                           Direction direction = Direction::request);
/// The same with the payloads' contents decoded, one payload a line. Never key material: KE and
/// the nonce are shown by length, AUTH by method. Only printing characters; lines are cut behind
/// `limit::text_line` octets.
std::string describe(std::span<const Payload> payloads);

} // namespace viaduct::ike::wire
