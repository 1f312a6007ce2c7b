// The Certificate Request payload (RFC 7296 section 3.7).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | encoding     | names of authorities; may be empty …         |
   +--------------+---------------------------------------------+
*/

Decoded<CertificateRequestPayload> decode_certificate_request(ByteReader body) {
    FieldReader fields(body, "certificate request");
    CertificateRequestPayload payload;
    payload.encoding = fields.u8();
    const auto data = fields.rest();
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const CertificateRequestPayload& payload, ByteWriter& out) {
    out.u8(payload.encoding).octets(payload.data);
}

} // namespace viaduct::ike::wire
