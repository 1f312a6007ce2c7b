// Which number is which payload.

#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

namespace {

struct TypeOf {
    PayloadType operator()(const SaPayload&) const { return PayloadType::security_association; }
    PayloadType operator()(const KeyExchangePayload&) const { return PayloadType::key_exchange; }
    PayloadType operator()(const IdPayload& id) const {
        return id.side == IdPayload::Side::initiator ? PayloadType::id_initiator
                                                     : PayloadType::id_responder;
    }
    PayloadType operator()(const CertificatePayload&) const { return PayloadType::certificate; }
    PayloadType operator()(const CertificateRequestPayload&) const {
        return PayloadType::certificate_request;
    }
    PayloadType operator()(const AuthPayload&) const { return PayloadType::authentication; }
    PayloadType operator()(const NoncePayload&) const { return PayloadType::nonce; }
    PayloadType operator()(const NotifyPayload&) const { return PayloadType::notify; }
    PayloadType operator()(const DeletePayload&) const { return PayloadType::delete_sa; }
    PayloadType operator()(const VendorIdPayload&) const { return PayloadType::vendor_id; }
    PayloadType operator()(const TsPayload& ts) const {
        return ts.side == TsPayload::Side::initiator ? PayloadType::ts_initiator
                                                     : PayloadType::ts_responder;
    }
    PayloadType operator()(const ConfigurationPayload&) const { return PayloadType::configuration; }
    PayloadType operator()(const EapPayload&) const { return PayloadType::eap; }
    PayloadType operator()(const UnknownPayload& unknown) const {
        return PayloadType{unknown.type};
    }
};

Decoded<Payload> decode_unknown(PayloadType type, bool critical, ByteReader body) {
    // RFC 7296 2.5: an unknown payload with the critical bit spoils the message, another is
    // skipped.
    if (critical) {
        return std::unexpected(body.error(DecodeFault::unknown_critical, "payload"));
    }
    const auto octets = body.rest();
    return UnknownPayload{static_cast<std::uint8_t>(type), {octets.begin(), octets.end()}};
}

} // namespace

PayloadType payload_type(const Payload& payload) {
    return std::visit(TypeOf{}, payload);
}

Decoded<Payload> decode_v2_payload(PayloadType type, bool critical, ByteReader body) {
    switch (type) {
    case PayloadType::security_association: return decode_sa(body);
    case PayloadType::key_exchange: return decode_key_exchange(body);
    case PayloadType::id_initiator: return decode_id(IdPayload::Side::initiator, body);
    case PayloadType::id_responder: return decode_id(IdPayload::Side::responder, body);
    case PayloadType::certificate: return decode_certificate(body);
    case PayloadType::certificate_request: return decode_certificate_request(body);
    case PayloadType::authentication: return decode_auth(body);
    case PayloadType::nonce: return decode_nonce(body);
    case PayloadType::notify: return decode_notify(body);
    case PayloadType::delete_sa: return decode_delete(body);
    case PayloadType::vendor_id: return decode_vendor_id(body);
    case PayloadType::ts_initiator: return decode_ts(TsPayload::Side::initiator, body);
    case PayloadType::ts_responder: return decode_ts(TsPayload::Side::responder, body);
    case PayloadType::configuration: return decode_configuration(body);
    case PayloadType::eap: return decode_eap(body);
    case PayloadType::none:
    case PayloadType::encrypted:
    case PayloadType::encrypted_fragment:
        return std::unexpected(body.error(DecodeFault::unexpected_payload, "payload"));
    }
    return decode_unknown(type, critical, body);
}

void encode_body(const UnknownPayload& payload, ByteWriter& out) {
    out.octets(payload.body);
}

std::vector<policy::Proposal> proposals_of(const SaPayload& sa) {
    std::vector<policy::Proposal> out;
    out.reserve(sa.proposals.size());
    for (const auto& each : sa.proposals) {
        out.push_back(each.proposal);
    }
    return out;
}

} // namespace viaduct::ike::wire
