// The payloads that are octets from end to end: Key Exchange (RFC 2408 section 3.7), Hash (3.11),
// Signature (3.12), Nonce (3.13), Vendor ID (3.16), NAT Detection (RFC 3947 section 3.2).

#include "ike/wire/field_reader.h"
#include "ike/wire/header.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
   +------------------------------------------------------------+
   | key exchange data, hash, signature, nonce, vendor id       |
   +------------------------------------------------------------+
*/

namespace {

Decoded<Octets> decode_octets(ByteReader body, std::string_view where, std::size_t min,
                              std::size_t max) {
    FieldReader fields(body, where);
    const auto data = fields.rest();
    fields.require(data.size() >= min && data.size() <= max, DecodeFault::bad_length);
    return fields.finish(Octets(data.begin(), data.end()));
}

Decoded<Octets> decode_some(ByteReader body, std::string_view where) {
    return decode_octets(body, where, 1, max_message_length);
}

} // namespace

Decoded<KeyExchangePayload> decode_key_exchange(ByteReader body) {
    return decode_some(body, "key exchange").transform([](Octets data) {
        return KeyExchangePayload{std::move(data)};
    });
}

Decoded<HashPayload> decode_hash(ByteReader body) {
    return decode_some(body, "hash").transform([](Octets data) {
        return HashPayload{std::move(data)};
    });
}

Decoded<SignaturePayload> decode_signature(ByteReader body) {
    return decode_some(body, "signature").transform([](Octets data) {
        return SignaturePayload{std::move(data)};
    });
}

Decoded<NoncePayload> decode_nonce(ByteReader body) {
    return decode_octets(body, "nonce", limit::nonce_min, limit::nonce_max)
        .transform([](Octets data) { return NoncePayload{std::move(data)}; });
}

Decoded<VendorIdPayload> decode_vendor_id(ByteReader body) {
    return decode_octets(body, "vendor id", 0, max_message_length).transform([](Octets data) {
        return VendorIdPayload{std::move(data)};
    });
}

Decoded<NatDetectionPayload> decode_nat_detection(NatNumbering numbering, ByteReader body) {
    return decode_some(body, "NAT detection").transform([&](Octets hash) {
        return NatDetectionPayload{numbering, std::move(hash)};
    });
}

void encode_body(const KeyExchangePayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

void encode_body(const HashPayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

void encode_body(const SignaturePayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

void encode_body(const NoncePayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

void encode_body(const VendorIdPayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

void encode_body(const NatDetectionPayload& payload, ByteWriter& out) {
    out.octets(payload.hash);
}

} // namespace viaduct::ike::wire::v1
