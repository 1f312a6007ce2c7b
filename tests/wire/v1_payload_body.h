// Decoding one payload's body of IKEv1, given in hexadecimal.
#pragma once

#include "ike/wire/v1_payload_codec.h"
#include "tests/wire/octets.h"

namespace viaduct::test::v1 {

inline ike::wire::Decoded<ike::wire::v1::Payload> decode_body(ike::wire::v1::PayloadType type,
                                                              std::string_view hexadecimal) {
    const auto body = octets(hexadecimal);
    return ike::wire::v1::decode_payload(
        type, ike::wire::ByteReader(body, static_cast<std::uint8_t>(type)));
}

inline std::string encode_body(const ike::wire::v1::Payload& payload) {
    ike::wire::ByteWriter out;
    std::visit([&](const auto& content) { ike::wire::v1::encode_body(content, out); }, payload);
    return hexadecimal(out.view());
}

/// The fault that decoding ends with; nothing when it succeeds.
inline std::optional<ike::wire::DecodeFault> fault(ike::wire::v1::PayloadType type,
                                                   std::string_view hexadecimal) {
    const auto decoded = decode_body(type, hexadecimal);
    return decoded ? std::nullopt : std::optional(decoded.error().fault);
}

} // namespace viaduct::test::v1
