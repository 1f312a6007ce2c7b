// Netlink messages taken apart for comparison: attributes of one level may come in any order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iomanip>
#include <linux/netlink.h>
#include <map>
#include <ostream>
#include <span>
#include <vector>

namespace viaduct::test {

using Octets = std::vector<std::uint8_t>;

/// Header fields that mean something, the family's fixed part, and the attributes behind it.
struct NetlinkParts {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    Octets fixed;
    std::multimap<std::uint16_t, Octets> attributes;
    friend bool operator==(const NetlinkParts&, const NetlinkParts&) = default;
};

/// The message with its family's fixed part changed.
template <class Fixed, class Change> Octets with(Octets message, const Change& change) {
    Fixed fixed{};
    std::memcpy(&fixed, message.data() + NLMSG_HDRLEN, sizeof(fixed));
    change(fixed);
    std::memcpy(message.data() + NLMSG_HDRLEN, &fixed, sizeof(fixed));
    return message;
}

/// `fixed_size`: of the family's fixed part. `ignored`: an attribute that is left out.
inline NetlinkParts take_apart(std::span<const std::uint8_t> octets, std::size_t fixed_size,
                               std::uint16_t ignored = 0) {
    NetlinkParts parts;
    nlmsghdr head{};
    std::memcpy(&head, octets.data(), sizeof(head));
    parts.type = head.nlmsg_type;
    parts.flags = head.nlmsg_flags;
    auto rest = octets.first(head.nlmsg_len).subspan(sizeof(head));
    parts.fixed.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(fixed_size));
    rest = rest.subspan(std::min(rest.size(), (fixed_size + 3) / 4 * 4));
    while (rest.size() >= sizeof(nlattr)) {
        nlattr attribute{};
        std::memcpy(&attribute, rest.data(), sizeof(attribute));
        const auto value = rest.first(attribute.nla_len).subspan(sizeof(attribute));
        if (attribute.nla_type != ignored) {
            parts.attributes.emplace(attribute.nla_type, Octets(value.begin(), value.end()));
        }
        rest = rest.subspan(std::min<std::size_t>(rest.size(), (attribute.nla_len + 3U) / 4 * 4));
    }
    return parts;
}

inline std::ostream& operator<<(std::ostream& out, const NetlinkParts& parts) {
    const auto hex = [&](const Octets& octets) {
        for (const unsigned octet : octets) {
            out << std::hex << std::setw(2) << std::setfill('0') << octet;
        }
        out << std::dec;
    };
    out << "type " << parts.type << " flags " << parts.flags << " fixed ";
    hex(parts.fixed);
    for (const auto& [type, value] : parts.attributes) {
        out << "\n    " << type << ": ";
        hex(value);
    }
    return out << '\n';
}

} // namespace viaduct::test
