// The Certificate and Certificate Request payloads (RFC 2408 sections 3.9 and 3.10).

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
    octet 0
   +--------------+---------------------------------------------+
   | encoding     | certificate, or the authority's name in DER |
   +--------------+---------------------------------------------+
*/

Decoded<CertificatePayload> decode_certificate(ByteReader body) {
    FieldReader fields(body, "certificate");
    CertificatePayload payload;
    payload.encoding = fields.u8();
    const auto data = fields.rest();
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

Decoded<CertificateRequestPayload> decode_certificate_request(ByteReader body) {
    FieldReader fields(body, "certificate request");
    CertificateRequestPayload payload;
    payload.type = fields.u8();
    const auto authority = fields.rest();
    payload.authority.assign(authority.begin(), authority.end());
    return fields.finish(std::move(payload));
}

void encode_body(const CertificatePayload& payload, ByteWriter& out) {
    out.u8(payload.encoding).octets(payload.data);
}

void encode_body(const CertificateRequestPayload& payload, ByteWriter& out) {
    out.u8(payload.type).octets(payload.authority);
}

} // namespace viaduct::ike::wire::v1
