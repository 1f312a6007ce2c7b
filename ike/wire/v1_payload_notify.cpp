// The Notification payload (RFC 2408 section 3.14, RFC 2407 section 4.6.3).

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

/*
    octet 0          1              2               3
   +------------------------------------------------------------+
   | domain of interpretation                                   |
   +--------------+--------------+------------------------------+
   | protocol     | SPI size     | notify message type          |
   +--------------+--------------+------------------------------+
   | SPI                                                        |
   +------------------------------------------------------------+
   | notification data                                          |
   +------------------------------------------------------------+
*/

namespace {

constexpr std::size_t cookies_length = 16;
constexpr std::size_t sequence_length = 4;

bool is_dead_peer_detection(NotifyType type) {
    return type == NotifyType::r_u_there || type == NotifyType::r_u_there_ack;
}

} // namespace

Decoded<NotifyPayload> decode_notify(ByteReader body) {
    FieldReader fields(body, "notification");
    NotifyPayload payload;
    payload.doi = Doi{fields.u32()};
    payload.protocol = policy::ProtocolId{fields.u8()};
    const auto spi_size = fields.u8();
    payload.type = NotifyType{fields.u16()};
    // RFC 2408 3.14: 0 to 16; with the cookies in the header it may be anything.
    fields.require(spi_size <= cookies_length, DecodeFault::bad_length);
    const auto spi = fields.octets(spi_size);
    payload.spi.assign(spi.begin(), spi.end());
    const auto data = fields.rest();
    // RFC 3706 5.3, 5.4: both cookies and a sequence number.
    fields.require(!is_dead_peer_detection(payload.type) ||
                       (spi.size() == cookies_length && data.size() == sequence_length),
                   DecodeFault::bad_length);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const NotifyPayload& payload, ByteWriter& out) {
    out.u32(static_cast<std::uint32_t>(payload.doi))
        .u8(static_cast<std::uint8_t>(payload.protocol))
        .u8(static_cast<std::uint8_t>(payload.spi.size()))
        .u16(static_cast<std::uint16_t>(payload.type))
        .octets(payload.spi)
        .octets(payload.data);
}

std::optional<Cookies> cookies_of(std::span<const std::uint8_t> spi) {
    ByteReader reader(spi);
    FieldReader fields(reader, "cookies");
    Cookies cookies;
    cookies.initiator = IkeSpi{fields.u64()};
    cookies.responder = IkeSpi{fields.u64()};
    fields.end();
    return fields.failed() ? std::nullopt : std::optional(cookies);
}

Octets spi_of(const Cookies& cookies) {
    ByteWriter out;
    out.u64(static_cast<std::uint64_t>(cookies.initiator))
        .u64(static_cast<std::uint64_t>(cookies.responder));
    return std::move(out).take();
}

std::optional<std::uint32_t> sequence_number(const NotifyPayload& notify) {
    if (!is_dead_peer_detection(notify.type)) {
        return std::nullopt;
    }
    auto data = ByteReader(notify.data).u32("sequence number");
    return data ? std::optional(*data) : std::nullopt;
}

NotifyPayload dead_peer_detection(NotifyType type, const Cookies& cookies, std::uint32_t sequence) {
    ByteWriter data;
    data.u32(sequence);
    return {.spi = spi_of(cookies), .type = type, .data = std::move(data).take()};
}

} // namespace viaduct::ike::wire::v1
