// The EAP payload (RFC 7296 section 3.16): one EAP packet (RFC 3748 section 4).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+--------------+------------------------------+
   | code         | identifier   | length, from the code on     |
   +--------------+--------------+------------------------------+
   | type and type data, in requests and responses              |
   +------------------------------------------------------------+
*/

Decoded<EapPayload> decode_eap(ByteReader body) {
    FieldReader fields(body, "EAP packet");
    auto whole = body;
    fields.skip(2);
    const auto length = fields.u16();
    const auto message = whole.rest();
    fields.require(length == message.size(), DecodeFault::bad_length);
    return fields.finish(EapPayload{.message = {message.begin(), message.end()}});
}

void encode_body(const EapPayload& payload, ByteWriter& out) {
    out.octets(payload.message);
}

} // namespace viaduct::ike::wire
