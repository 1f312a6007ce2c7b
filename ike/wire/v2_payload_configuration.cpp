// The Configuration payload (RFC 7296 section 3.15).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | CFG type     | reserved                                    |
   +-+------------+--------------+------------------------------+
   |R| attribute type            | length of the value          |
   +-+---------------------------+------------------------------+
   | value; further attributes                                  |
   +------------------------------------------------------------+
*/

Decoded<ConfigurationPayload> decode_configuration(ByteReader body) {
    FieldReader fields(body, "configuration");
    ConfigurationPayload payload;
    payload.type = fields.u8();
    fields.skip(3);
    auto attributes = body;
    while (!fields.failed() && !body.empty()) {
        fields.skip(2);
        fields.skip(fields.u16());
    }
    const auto octets = attributes.rest();
    payload.attributes.assign(octets.begin(), octets.end());
    return fields.finish(std::move(payload));
}

void encode_body(const ConfigurationPayload& payload, ByteWriter& out) {
    out.u8(payload.type).u8(0).u16(0).octets(payload.attributes);
}

} // namespace viaduct::ike::wire
