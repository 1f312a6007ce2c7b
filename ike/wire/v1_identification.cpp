#include "ike/wire/v1_identification.h"

#include <algorithm>
#include <bit>

namespace viaduct::ike::wire::v1 {

namespace {

using policy::AddressFamily;
using policy::IpAddress;
using policy::TrafficSelector;
using Bytes = std::span<const std::uint8_t>;

std::unexpected<DecodeError> refuse(std::string_view where) {
    return std::unexpected(DecodeError{
        DecodeFault::bad_value, static_cast<std::uint8_t>(PayloadType::identification), 0, where});
}

IpAddress address(Bytes octets) {
    return octets.size() == 4 ? IpAddress::v4(octets.first<4>())
                              : IpAddress::v6(octets.first<16>());
}

/// The prefix length of a mask; nothing when it has a hole.
std::optional<unsigned> prefix_length(Bytes mask) {
    unsigned ones = 0;
    bool ended = false;
    for (const auto octet : mask) {
        const auto leading = static_cast<unsigned>(std::countl_one(octet));
        if ((ended && octet != 0) || static_cast<std::uint8_t>(octet << leading) != 0) {
            return std::nullopt;
        }
        ended = ended || leading < 8;
        ones += leading;
    }
    return ones;
}

bool is_length(IdType type, std::size_t length) {
    switch (type) {
    case IdType::ipv4_address: return length == 4;
    case IdType::ipv4_subnet:
    case IdType::ipv4_range: return length == 8;
    case IdType::ipv6_address: return length == 16;
    case IdType::ipv6_subnet:
    case IdType::ipv6_range: return length == 32;
    default: return false;
    }
}

/// Start and end of what the payload names; nothing when it names no addresses.
std::optional<std::pair<IpAddress, IpAddress>> addresses(const IdPayload& id) {
    const Bytes data(id.data);
    if (!is_length(id.type, data.size())) {
        return std::nullopt;
    }
    const auto first = data.first(data.size() / 2);
    const auto second = data.subspan(data.size() / 2);
    switch (id.type) {
    case IdType::ipv4_subnet:
    case IdType::ipv6_subnet: {
        const auto bits = prefix_length(second);
        if (!bits) {
            return std::nullopt;
        }
        return std::pair(address(first).network(*bits), address(first).broadcast(*bits));
    }
    case IdType::ipv4_range:
    case IdType::ipv6_range: return std::pair(address(first), address(second));
    default: return std::pair(address(data), address(data));
    }
}

IdType type_of(AddressFamily family, IdType v4, IdType v6) {
    return family == AddressFamily::ipv4 ? v4 : v6;
}

void append(Octets& out, const IpAddress& address) {
    const auto octets = address.octets();
    out.insert(out.end(), octets.begin(), octets.end());
}

/// 255.255.255.0 for 24: the network part of the address with all bits one.
IpAddress mask(AddressFamily family, unsigned prefix) {
    return IpAddress::highest(family).network(prefix);
}

} // namespace

policy::Identity identity_of(const IdPayload& id) {
    return {.type = policy::IdentityType{static_cast<std::uint8_t>(id.type)}, .data = id.data};
}

IdPayload id_of(const policy::Identity& identity) {
    return {.type = IdType{static_cast<std::uint8_t>(identity.type)}, .data = identity.data};
}

Decoded<TrafficSelector> selector_of(const IdPayload& id) {
    const auto range = addresses(id);
    if (!range) {
        return refuse("addresses of a quick mode");
    }
    TrafficSelector selector;
    selector.protocol = id.protocol;
    selector.start_address = range->first;
    selector.end_address = range->second;
    // RFC 2407 4.6.2: port zero means any.
    if (id.port != 0) {
        selector.start_port = selector.end_port = id.port;
    }
    if (!selector.is_valid()) {
        return refuse("range of a quick mode");
    }
    return selector;
}

std::optional<IdPayload> id_of(const TrafficSelector& selector) {
    const bool any_port = selector.start_port == 0 && selector.end_port == 65535;
    if (!selector.is_valid() || (!any_port && selector.start_port != selector.end_port)) {
        return std::nullopt;
    }
    IdPayload id;
    id.protocol = selector.protocol;
    id.port = any_port ? std::uint16_t{0} : selector.start_port;
    const auto family = selector.family();
    const auto subnets = selector.subnets();
    append(id.data, selector.start_address);
    if (selector.start_address == selector.end_address) {
        id.type = type_of(family, IdType::ipv4_address, IdType::ipv6_address);
    } else if (subnets.size() == 1) {
        id.type = type_of(family, IdType::ipv4_subnet, IdType::ipv6_subnet);
        append(id.data, mask(family, subnets.front().prefix_length));
    } else {
        id.type = type_of(family, IdType::ipv4_range, IdType::ipv6_range);
        append(id.data, selector.end_address);
    }
    return id;
}

} // namespace viaduct::ike::wire::v1
