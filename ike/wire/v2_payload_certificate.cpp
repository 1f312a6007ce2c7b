// The Certificate payload (RFC 7296 section 3.6).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | encoding     | certificate data …                          |
   +--------------+---------------------------------------------+
*/

Decoded<CertificatePayload> decode_certificate(ByteReader body) {
    FieldReader fields(body, "certificate");
    CertificatePayload payload;
    payload.encoding = fields.u8();
    const auto data = fields.rest();
    fields.require(!data.empty(), DecodeFault::bad_length);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const CertificatePayload& payload, ByteWriter& out) {
    out.u8(payload.encoding).octets(payload.data);
}

} // namespace viaduct::ike::wire
