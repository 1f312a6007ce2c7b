// The Delete payload (RFC 7296 section 3.11).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+--------------+------------------------------+
   | protocol     | SPI size     | number of SPIs               |
   +--------------+--------------+------------------------------+
   | SPIs: none for IKE, whose header names the SA;             |
   | of 4 octets each for AH and ESP                            |
   +------------------------------------------------------------+
*/

namespace {
constexpr std::size_t child_spi_size = 4;
} // namespace

Decoded<DeletePayload> decode_delete(ByteReader body) {
    FieldReader fields(body, "delete");
    DeletePayload payload;
    payload.protocol = policy::ProtocolId{fields.u8()};
    const std::size_t spi_size = fields.u8();
    const std::size_t count = fields.u16();
    const bool for_ike = payload.protocol == policy::ProtocolId::ike;
    fields.require(for_ike || payload.protocol == policy::ProtocolId::ah ||
                       payload.protocol == policy::ProtocolId::esp,
                   DecodeFault::bad_value);
    fields.require(spi_size == (for_ike ? 0 : child_spi_size), DecodeFault::bad_length);
    fields.require(!for_ike || count == 0, DecodeFault::bad_length);
    fields.require(count <= limit::deleted_spis, DecodeFault::too_many);
    fields.require(body.remaining() >= count * spi_size, DecodeFault::truncated);
    for (std::size_t i = 0; i < count && !fields.failed(); ++i) {
        payload.spis.push_back(policy::ChildSpi{fields.u32()});
    }
    fields.end();
    return fields.finish(std::move(payload));
}

void encode_body(const DeletePayload& payload, ByteWriter& out) {
    const bool for_ike = payload.protocol == policy::ProtocolId::ike;
    out.u8(static_cast<std::uint8_t>(payload.protocol))
        .u8(for_ike ? 0 : child_spi_size)
        .u16(static_cast<std::uint16_t>(payload.spis.size()));
    for (const auto spi : payload.spis) {
        out.u32(static_cast<std::uint32_t>(spi));
    }
}

} // namespace viaduct::ike::wire
