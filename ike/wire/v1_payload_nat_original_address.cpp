// The NAT Original Address payload (RFC 3947 section 5.2).

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | ID type      | reserved                                    |
   +--------------+---------------------------------------------+
   | address of 4 or 16 octets                                  |
   +------------------------------------------------------------+
*/

Decoded<NatOriginalAddressPayload> decode_nat_original_address(NatNumbering numbering,
                                                               ByteReader body) {
    FieldReader fields(body, "NAT original address");
    NatOriginalAddressPayload payload{.numbering = numbering, .address = {}};
    const auto type = IdType{fields.u8()};
    fields.skip(3);
    fields.require(type == IdType::ipv4_address || type == IdType::ipv6_address,
                   DecodeFault::bad_value);
    const auto octets = fields.octets(type == IdType::ipv4_address ? 4 : 16);
    fields.end();
    if (!fields.failed()) {
        payload.address = octets.size() == 4 ? policy::IpAddress::v4(octets.first<4>())
                                             : policy::IpAddress::v6(octets.first<16>());
    }
    return fields.finish(payload);
}

void encode_body(const NatOriginalAddressPayload& payload, ByteWriter& out) {
    const bool v4 = payload.address.family() == policy::AddressFamily::ipv4;
    out.u8(static_cast<std::uint8_t>(v4 ? IdType::ipv4_address : IdType::ipv6_address))
        .u8(0)
        .u16(0)
        .octets(payload.address.octets());
}

} // namespace viaduct::ike::wire::v1
