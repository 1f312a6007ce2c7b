// The Authentication payload (RFC 7296 section 3.8).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | method       | reserved                                    |
   +--------------+---------------------------------------------+
   | authentication data                                        |
   +------------------------------------------------------------+
*/

Decoded<AuthPayload> decode_auth(ByteReader body) {
    FieldReader fields(body, "authentication");
    AuthPayload payload;
    payload.method = AuthMethod{fields.u8()};
    fields.skip(3);
    const auto data = fields.rest();
    fields.require(!data.empty(), DecodeFault::bad_length);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const AuthPayload& payload, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(payload.method)).u8(0).u16(0).octets(payload.data);
}

} // namespace viaduct::ike::wire
