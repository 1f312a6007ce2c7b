// Decoding one payload's body, given in hexadecimal.
#pragma once

#include "ike/wire/v2_payload_codec.h"
#include "tests/wire/octets.h"

namespace viaduct::test {

inline ike::wire::Decoded<ike::wire::Payload>
decode_body(ike::wire::PayloadType type, std::string_view hexadecimal, bool critical = false) {
    const auto body = octets(hexadecimal);
    return ike::wire::decode_v2_payload(
        type, critical, ike::wire::ByteReader(body, static_cast<std::uint8_t>(type)));
}

inline std::string encode_body(const ike::wire::Payload& payload) {
    ike::wire::ByteWriter out;
    std::visit([&](const auto& content) { ike::wire::encode_body(content, out); }, payload);
    return hexadecimal(out.view());
}

/// The fault that decoding ends with; nothing when it succeeds.
inline std::optional<ike::wire::DecodeFault> fault(ike::wire::PayloadType type,
                                                   std::string_view hexadecimal) {
    const auto decoded = decode_body(type, hexadecimal);
    return decoded ? std::nullopt : std::optional(decoded.error().fault);
}

} // namespace viaduct::test
