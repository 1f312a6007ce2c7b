// The Identification payload (RFC 2407 section 4.6.2).

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
    octet 0          1              2               3
   +--------------+--------------+------------------------------+
   | ID type      | protocol     | port                         |
   +--------------+--------------+------------------------------+
   | identification data                                        |
   +------------------------------------------------------------+
*/

namespace {

bool is_length(IdType type, std::size_t length) {
    switch (type) {
    case IdType::ipv4_address: return length == 4;
    case IdType::ipv4_subnet:
    case IdType::ipv4_range: return length == 8;
    case IdType::ipv6_address: return length == 16;
    case IdType::ipv6_subnet:
    case IdType::ipv6_range: return length == 32;
    default: return length > 0;
    }
}

} // namespace

Decoded<IdPayload> decode_id(ByteReader body) {
    FieldReader fields(body, "identification");
    IdPayload payload;
    payload.type = IdType{fields.u8()};
    payload.protocol = fields.u8();
    payload.port = fields.u16();
    const auto data = fields.rest();
    fields.require(is_length(payload.type, data.size()), DecodeFault::bad_length);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const IdPayload& payload, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(payload.type))
        .u8(payload.protocol)
        .u16(payload.port)
        .octets(payload.data);
}

} // namespace viaduct::ike::wire::v1
