// The Identification payloads (RFC 7296 section 3.5).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | ID type      | reserved                                    |
   +--------------+---------------------------------------------+
   | identification data                                        |
   +------------------------------------------------------------+
*/

namespace {

bool is_length(policy::IdentityType type, std::size_t length) {
    switch (type) {
    case policy::IdentityType::ipv4_address: return length == 4;
    case policy::IdentityType::ipv6_address: return length == 16;
    default: return length > 0;
    }
}

} // namespace

Decoded<IdPayload> decode_id(IdPayload::Side side, ByteReader body) {
    FieldReader fields(body, "identification");
    IdPayload payload{.side = side, .identity = {}};
    payload.identity.type = policy::IdentityType{fields.u8()};
    fields.skip(3);
    const auto data = fields.rest();
    fields.require(is_length(payload.identity.type, data.size()), DecodeFault::bad_length);
    payload.identity.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const IdPayload& payload, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(payload.identity.type)).u8(0).u16(0);
    out.octets(payload.identity.data);
}

} // namespace viaduct::ike::wire
