#include "ike/wire/header.h"

#include "ike/wire/field_reader.h"

namespace viaduct::ike::wire {

namespace {

// RFC 7296 section 3.1: X X R V I X X X.
constexpr std::uint8_t flag_response = 0x20;
constexpr std::uint8_t flag_version = 0x10;
constexpr std::uint8_t flag_initiator = 0x08;
// RFC 2408 section 3.1.
constexpr std::uint8_t flag_encryption = 0x01;
constexpr std::uint8_t flag_commit = 0x02;
constexpr std::uint8_t flag_authentication_only = 0x04;

void read_flags(std::uint8_t flags, Header& header) {
    header.initiator = (flags & flag_initiator) != 0;
    header.higher_version = (flags & flag_version) != 0;
    header.response = (flags & flag_response) != 0;
    const bool v1 = header.major_version == 1;
    header.encryption = v1 && (flags & flag_encryption) != 0;
    header.commit = v1 && (flags & flag_commit) != 0;
    header.authentication_only = v1 && (flags & flag_authentication_only) != 0;
}

std::uint8_t flags_of(const Header& header) {
    unsigned flags = 0;
    if (header.major_version == 1) {
        flags |= header.encryption ? flag_encryption : 0;
        flags |= header.commit ? flag_commit : 0;
        flags |= header.authentication_only ? flag_authentication_only : 0;
    } else {
        flags |= header.initiator ? flag_initiator : 0;
        flags |= header.higher_version ? flag_version : 0;
        flags |= header.response ? flag_response : 0;
    }
    return static_cast<std::uint8_t>(flags);
}

} // namespace

Decoded<Header> decode_header(std::span<const std::uint8_t> datagram) {
    ByteReader reader(datagram);
    FieldReader fields(reader, "IKE header");
    Header header;
    header.initiator_spi = IkeSpi{fields.u64()};
    header.responder_spi = IkeSpi{fields.u64()};
    header.next_payload = PayloadType{fields.u8()};
    const auto version = fields.u8();
    header.major_version = version >> 4;
    header.minor_version = version & 0x0f;
    header.exchange = ExchangeType{fields.u8()};
    read_flags(fields.u8(), header);
    header.message_id = MessageId{fields.u32()};
    header.length = fields.u32();
    fields.require(header.length == datagram.size(), DecodeFault::bad_length);
    fields.require(header.length <= max_message_length, DecodeFault::bad_length);
    return fields.finish(header);
}

void encode_header(const Header& header, ByteWriter& out) {
    out.u64(static_cast<std::uint64_t>(header.initiator_spi))
        .u64(static_cast<std::uint64_t>(header.responder_spi))
        .u8(static_cast<std::uint8_t>(header.next_payload))
        .u8(static_cast<std::uint8_t>(header.major_version << 4 | (header.minor_version & 0x0f)))
        .u8(static_cast<std::uint8_t>(header.exchange))
        .u8(flags_of(header))
        .u32(static_cast<std::uint32_t>(header.message_id))
        .u32(header.length);
}

} // namespace viaduct::ike::wire
