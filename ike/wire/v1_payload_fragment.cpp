// The Fragment payload ([MS-IKEE] section 2.2.3), number 132 of the private range.

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
    octet 0          1              2               3
   +-----------------------------+--------------+--------------+
   | id, the same for all parts  | number       | 1: the last  |
   +-----------------------------+--------------+--------------+
   | part of the message                                        |
   +------------------------------------------------------------+
*/

namespace {
constexpr std::uint8_t last_fragment = 0x01;
} // namespace

Decoded<FragmentPayload> decode_fragment(ByteReader body) {
    FieldReader fields(body, "fragment");
    FragmentPayload payload;
    payload.id = fields.u16();
    payload.number = fields.u8();
    payload.last = (fields.u8() & last_fragment) != 0;
    const auto data = fields.rest();
    fields.require(payload.number >= 1, DecodeFault::bad_value);
    fields.require(!data.empty(), DecodeFault::truncated);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const FragmentPayload& payload, ByteWriter& out) {
    out.u16(payload.id)
        .u8(payload.number)
        .u8(payload.last ? last_fragment : 0)
        .octets(payload.data);
}

} // namespace viaduct::ike::wire::v1
