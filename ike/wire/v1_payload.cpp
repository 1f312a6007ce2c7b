// Which number is which payload.

#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

namespace {

struct TypeOf {
    PayloadType operator()(const SaPayload&) const { return PayloadType::security_association; }
    PayloadType operator()(const KeyExchangePayload&) const { return PayloadType::key_exchange; }
    PayloadType operator()(const IdPayload&) const { return PayloadType::identification; }
    PayloadType operator()(const CertificatePayload&) const { return PayloadType::certificate; }
    PayloadType operator()(const CertificateRequestPayload&) const {
        return PayloadType::certificate_request;
    }
    PayloadType operator()(const HashPayload&) const { return PayloadType::hash; }
    PayloadType operator()(const SignaturePayload&) const { return PayloadType::signature; }
    PayloadType operator()(const NoncePayload&) const { return PayloadType::nonce; }
    PayloadType operator()(const NotifyPayload&) const { return PayloadType::notification; }
    PayloadType operator()(const DeletePayload&) const { return PayloadType::delete_sa; }
    PayloadType operator()(const VendorIdPayload&) const { return PayloadType::vendor_id; }
    PayloadType operator()(const NatDetectionPayload& payload) const {
        return payload.numbering == NatNumbering::rfc3947 ? PayloadType::nat_detection
                                                          : PayloadType::nat_detection_draft;
    }
    PayloadType operator()(const NatOriginalAddressPayload& payload) const {
        return payload.numbering == NatNumbering::rfc3947 ? PayloadType::nat_original_address
                                                          : PayloadType::nat_original_address_draft;
    }
    PayloadType operator()(const FragmentPayload&) const { return PayloadType::fragment; }
    PayloadType operator()(const UnknownPayload& unknown) const {
        return PayloadType{unknown.type};
    }
};

Decoded<Payload> decode_unknown(PayloadType type, ByteReader body) {
    const auto octets = body.rest();
    return UnknownPayload{static_cast<std::uint8_t>(type), {octets.begin(), octets.end()}};
}

} // namespace

PayloadType payload_type(const Payload& payload) {
    return std::visit(TypeOf{}, payload);
}

Decoded<Payload> decode_payload(PayloadType type, ByteReader body) {
    switch (type) {
    case PayloadType::security_association: return decode_sa(body);
    case PayloadType::key_exchange: return decode_key_exchange(body);
    case PayloadType::identification: return decode_id(body);
    case PayloadType::certificate: return decode_certificate(body);
    case PayloadType::certificate_request: return decode_certificate_request(body);
    case PayloadType::hash: return decode_hash(body);
    case PayloadType::signature: return decode_signature(body);
    case PayloadType::nonce: return decode_nonce(body);
    case PayloadType::notification: return decode_notify(body);
    case PayloadType::delete_sa: return decode_delete(body);
    case PayloadType::vendor_id: return decode_vendor_id(body);
    case PayloadType::nat_detection: return decode_nat_detection(NatNumbering::rfc3947, body);
    case PayloadType::nat_detection_draft: return decode_nat_detection(NatNumbering::draft, body);
    case PayloadType::nat_original_address:
        return decode_nat_original_address(NatNumbering::rfc3947, body);
    case PayloadType::nat_original_address_draft:
        return decode_nat_original_address(NatNumbering::draft, body);
    case PayloadType::fragment: return decode_fragment(body);
    case PayloadType::attributes: break;
    case PayloadType::none:
    case PayloadType::proposal:
    case PayloadType::transform:
        return std::unexpected(body.error(DecodeFault::unexpected_payload, "payload"));
    }
    return decode_unknown(type, body);
}

void encode_body(const UnknownPayload& payload, ByteWriter& out) {
    out.octets(payload.body);
}

} // namespace viaduct::ike::wire::v1
