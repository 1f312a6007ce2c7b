// The Nonce payload (RFC 7296 section 3.9).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
   +------------------------------------------------------------+
   | nonce, 16 to 256 octets                                    |
   +------------------------------------------------------------+
*/

Decoded<NoncePayload> decode_nonce(ByteReader body) {
    FieldReader fields(body, "nonce");
    const auto data = fields.rest();
    fields.require(data.size() >= limit::nonce_min && data.size() <= limit::nonce_max,
                   DecodeFault::bad_length);
    return fields.finish(NoncePayload{.data = {data.begin(), data.end()}});
}

void encode_body(const NoncePayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

} // namespace viaduct::ike::wire
