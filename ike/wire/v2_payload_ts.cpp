// The Traffic Selector payloads (RFC 7296 section 3.13).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

#include <algorithm>

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +--------------+---------------------------------------------+
   | selectors    | reserved                                    |
   +--------------+--------------+------------------------------+
   | type: 7 IPv4 | IP protocol, | length of the selector:      |
   | or 8 IPv6    | 0 any        | 16 or 40                     |
   +--------------+--------------+------------------------------+
   | start port                  | end port                     |
   +-----------------------------+------------------------------+
   | start address, 4 or 16 octets                              |
   +------------------------------------------------------------+
   | end address, 4 or 16 octets                                |
   +------------------------------------------------------------+
   | further selectors                                          |
   +------------------------------------------------------------+
*/

namespace {

constexpr std::uint8_t ipv4_range = 7;
constexpr std::uint8_t ipv6_range = 8;
constexpr std::size_t selector_header_length = 4;
constexpr std::size_t ports_length = 4;

policy::IpAddress read_address(FieldReader& fields, policy::AddressFamily family) {
    if (family == policy::AddressFamily::ipv4) {
        const auto octets = fields.octets(4);
        return fields.failed() ? policy::IpAddress{} : policy::IpAddress::v4(octets.first<4>());
    }
    const auto octets = fields.octets(16);
    return fields.failed() ? policy::IpAddress{} : policy::IpAddress::v6(octets.first<16>());
}

/// RFC 7296 3.13.1: start 65535 with end 0 means OPAQUE, any other order is a range.
bool makes_sense(const policy::TrafficSelector& selector) {
    const bool opaque = selector.start_port == 65535 && selector.end_port == 0;
    return (opaque || selector.start_port <= selector.end_port) &&
           selector.start_address <= selector.end_address;
}

Decoded<policy::TrafficSelector> read_range(policy::AddressFamily family, std::uint8_t protocol,
                                            ByteReader source) {
    FieldReader fields(source, "traffic selector");
    const std::size_t address_length = family == policy::AddressFamily::ipv4 ? 4 : 16;
    fields.require(source.remaining() == ports_length + 2 * address_length,
                   DecodeFault::bad_length);
    policy::TrafficSelector selector;
    selector.protocol = protocol;
    selector.start_port = fields.u16();
    selector.end_port = fields.u16();
    selector.start_address = read_address(fields, family);
    selector.end_address = read_address(fields, family);
    fields.end();
    return fields.finish(selector);
}

/// Appends the next selector, or counts it when it is one that nobody can accept.
Decoded<void> read_selector(ByteReader& source, TsPayload& payload) {
    FieldReader fields(source, "traffic selector");
    const auto type = fields.u8();
    const auto protocol = fields.u8();
    const std::size_t length = fields.u16();
    fields.require(length >= selector_header_length, DecodeFault::bad_length);
    const auto content = fields.sub(fields.failed() ? 0 : length - selector_header_length);
    if (!fields.failed() && (type == ipv4_range || type == ipv6_range)) {
        const auto family =
            type == ipv4_range ? policy::AddressFamily::ipv4 : policy::AddressFamily::ipv6;
        const auto selector = fields.nested(read_range(family, protocol, content));
        if (!fields.failed() && makes_sense(selector)) {
            payload.selectors.push_back(selector);
            return {};
        }
    }
    ++payload.skipped;
    return fields.finish();
}

void write_selector(const policy::TrafficSelector& selector, ByteWriter& out) {
    const auto start = out.size();
    out.u8(selector.family() == policy::AddressFamily::ipv4 ? ipv4_range : ipv6_range)
        .u8(selector.protocol);
    const auto length = out.open_u16();
    out.u16(selector.start_port)
        .u16(selector.end_port)
        .octets(selector.start_address.octets())
        .octets(selector.end_address.octets());
    out.close_u16(length, start);
}

} // namespace

Decoded<TsPayload> decode_ts(TsPayload::Side side, ByteReader body) {
    FieldReader fields(body, "traffic selectors");
    TsPayload payload{.side = side, .selectors = {}, .skipped = 0};
    const std::size_t count = fields.u8();
    fields.skip(3);
    // RFC 7296 3.13: at least one.
    fields.require(count > 0, DecodeFault::bad_value);
    static_assert(limit::selectors == 255, "the count field is the limit");
    for (std::size_t i = 0; i < count && !fields.failed(); ++i) {
        if (auto read = read_selector(body, payload); !read) {
            return std::unexpected(read.error());
        }
    }
    fields.end();
    return fields.finish(std::move(payload));
}

void encode_body(const TsPayload& payload, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(std::min<std::size_t>(payload.selectors.size(), 255)))
        .u8(0)
        .u16(0);
    for (const auto& selector : payload.selectors) {
        write_selector(selector, out);
    }
}

} // namespace viaduct::ike::wire
