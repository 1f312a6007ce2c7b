// The Notify payload (RFC 7296 section 3.10).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

#include <algorithm>

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+--------------+------------------------------+
   | protocol     | SPI size     | notify message type          |
   +--------------+--------------+------------------------------+
   | SPI                                                        |
   +------------------------------------------------------------+
   | notification data                                          |
   +------------------------------------------------------------+
*/

namespace {

/// Notifies whose data the RFC gives a length, so that readers of the data need not ask again.
struct DataLength {
    NotifyType type;
    std::size_t min;
    std::size_t max;
};
constexpr DataLength data_lengths[] = {
    {NotifyType::unsupported_critical_payload, 1, 1}, // RFC 7296 2.5
    {NotifyType::invalid_ke_payload, 2, 2},           // RFC 7296 1.2
    {NotifyType::set_window_size, 4, 4},              // RFC 7296 2.3
    {NotifyType::nat_detection_source_ip, 20, 20},    // RFC 7296 2.23: a SHA-1 digest
    {NotifyType::nat_detection_destination_ip, 20, 20},
    {NotifyType::cookie, 1, 64}, // RFC 7296 2.6
};

bool is_data_length(NotifyType type, std::size_t length) {
    const auto row = std::ranges::find(data_lengths, type, &DataLength::type);
    return row == std::end(data_lengths) || (length >= row->min && length <= row->max);
}

bool is_spi_size(policy::ProtocolId protocol, std::size_t size) {
    // RFC 7296 3.10: without an SPI the protocol is ignored.
    if (size == 0) {
        return true;
    }
    switch (protocol) {
    case policy::ProtocolId::none: return false;
    case policy::ProtocolId::ike: return size == 8;
    case policy::ProtocolId::ah:
    case policy::ProtocolId::esp: return size == 4;
    }
    return size == 4 || size == 8;
}

} // namespace

Decoded<NotifyPayload> decode_notify(ByteReader body) {
    FieldReader fields(body, "notify");
    NotifyPayload payload;
    payload.protocol = policy::ProtocolId{fields.u8()};
    const auto spi_size = fields.u8();
    payload.type = NotifyType{fields.u16()};
    fields.require(is_spi_size(payload.protocol, spi_size), DecodeFault::bad_length);
    const auto spi = fields.octets(spi_size);
    payload.spi.assign(spi.begin(), spi.end());
    const auto data = fields.rest();
    fields.require(is_data_length(payload.type, data.size()), DecodeFault::bad_length);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const NotifyPayload& payload, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(payload.protocol))
        .u8(static_cast<std::uint8_t>(payload.spi.size()))
        .u16(static_cast<std::uint16_t>(payload.type))
        .octets(payload.spi)
        .octets(payload.data);
}

} // namespace viaduct::ike::wire
