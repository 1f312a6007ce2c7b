// The Delete payload (RFC 2408 section 3.15).

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
    octet 0          1              2               3
   +------------------------------------------------------------+
   | domain of interpretation                                   |
   +--------------+--------------+------------------------------+
   | protocol     | SPI size     | number of SPIs               |
   +--------------+--------------+------------------------------+
   | SPIs: both cookies for ISAKMP; of 4 octets for AH and ESP  |
   +------------------------------------------------------------+
*/

namespace {

constexpr std::size_t cookies_length = 16;
constexpr std::size_t child_spi_length = 4;

bool is_child(policy::ProtocolId protocol) {
    return protocol == policy::ProtocolId::ah || protocol == policy::ProtocolId::esp;
}

bool is_spi_size(policy::ProtocolId protocol, std::size_t size) {
    if (protocol == policy::ProtocolId::ike) {
        return size == cookies_length;
    }
    return is_child(protocol) ? size == child_spi_length : size >= 1 && size <= cookies_length;
}

void read_spis(FieldReader& fields, std::size_t count, std::size_t size, DeletePayload& payload) {
    for (std::size_t i = 0; i < count && !fields.failed(); ++i) {
        if (payload.protocol == policy::ProtocolId::ike) {
            Cookies cookies;
            cookies.initiator = IkeSpi{fields.u64()};
            cookies.responder = IkeSpi{fields.u64()};
            payload.isakmp.push_back(cookies);
        } else if (is_child(payload.protocol)) {
            payload.children.push_back(policy::ChildSpi{fields.u32()});
        } else {
            fields.skip(size);
            ++payload.skipped;
        }
    }
}

} // namespace

Decoded<DeletePayload> decode_delete(ByteReader body) {
    FieldReader fields(body, "delete");
    DeletePayload payload;
    payload.doi = Doi{fields.u32()};
    payload.protocol = policy::ProtocolId{fields.u8()};
    const std::size_t size = fields.u8();
    const std::size_t count = fields.u16();
    fields.require(is_spi_size(payload.protocol, size), DecodeFault::bad_length);
    fields.require(count <= limit::deleted_spis, DecodeFault::too_many);
    fields.require(body.remaining() >= count * size, DecodeFault::truncated);
    read_spis(fields, count, size, payload);
    fields.end();
    return fields.finish(std::move(payload));
}

void encode_body(const DeletePayload& payload, ByteWriter& out) {
    const bool isakmp = payload.protocol == policy::ProtocolId::ike;
    const auto count = isakmp ? payload.isakmp.size() : payload.children.size();
    out.u32(static_cast<std::uint32_t>(payload.doi))
        .u8(static_cast<std::uint8_t>(payload.protocol))
        .u8(isakmp ? cookies_length : child_spi_length)
        .u16(static_cast<std::uint16_t>(count));
    for (const auto& cookies : payload.isakmp) {
        out.octets(spi_of(cookies));
    }
    for (const auto spi : payload.children) {
        out.u32(static_cast<std::uint32_t>(spi));
    }
}

} // namespace viaduct::ike::wire::v1
