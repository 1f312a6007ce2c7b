#include "policy/ip_address.h"

#include <algorithm>
#include <charconv>

namespace viaduct::policy {

namespace {

using Groups = std::array<std::uint16_t, 8>;

/// A decimal number without sign and without leading zeros.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned highest) {
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0'))
        return std::nullopt;
    unsigned value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value <= highest ? std::optional(value) : std::nullopt;
}

std::optional<std::array<std::uint8_t, 4>> parse_dotted_quad(std::string_view text) {
    std::array<std::uint8_t, 4> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const auto dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos)
            return std::nullopt;
        const auto value = parse_decimal(text.substr(0, dot), 255);
        if (!value)
            return std::nullopt;
        octets[i] = static_cast<std::uint8_t>(*value);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return octets;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
    std::uint16_t value = 0;
    const auto* const end = text.data() + text.size();
    if (text.empty() || text.size() > 4)
        return std::nullopt;
    const auto [last, error] = std::from_chars(text.data(), end, value, 16);
    return error == std::errc() && last == end ? std::optional(value) : std::nullopt;
}

/// Groups between colons. Only the end of a whole address may be a dotted quad.
struct GroupList {
    Groups values{};
    std::size_t count = 0;

    bool append(std::uint16_t value) {
        if (count == values.size())
            return false;
        values[count++] = value;
        return true;
    }
    bool append(const std::array<std::uint8_t, 4>& quad) {
        return append(static_cast<std::uint16_t>(quad[0] << 8 | quad[1])) &&
               append(static_cast<std::uint16_t>(quad[2] << 8 | quad[3]));
    }
};

enum class DottedQuad : std::uint8_t { refused, allowed };

std::optional<GroupList> parse_groups(std::string_view text, DottedQuad dotted_quad) {
    GroupList groups;
    if (text.empty())
        return groups;
    while (true) {
        const auto colon = text.find(':');
        const auto part = text.substr(0, colon);
        const bool last = colon == std::string_view::npos;
        if (last && dotted_quad == DottedQuad::allowed && part.contains('.')) {
            const auto quad = parse_dotted_quad(part);
            return quad && groups.append(*quad) ? std::optional(groups) : std::nullopt;
        }
        const auto group = parse_group(part);
        if (!group || !groups.append(*group))
            return std::nullopt;
        if (last)
            return groups;
        text.remove_prefix(colon + 1);
    }
}

std::optional<Groups> parse_ipv6_groups(std::string_view text) {
    const auto gap = text.find("::");
    if (gap == std::string_view::npos) {
        const auto groups = parse_groups(text, DottedQuad::allowed);
        return groups && groups->count == 8 ? std::optional(groups->values) : std::nullopt;
    }
    const auto head = parse_groups(text.substr(0, gap), DottedQuad::refused);
    const auto tail = parse_groups(text.substr(gap + 2), DottedQuad::allowed);
    // RFC 4291 2.2: "::" stands for one or more groups of zeros.
    if (!head || !tail || head->count + tail->count > 7)
        return std::nullopt;
    Groups groups = head->values;
    std::copy_n(tail->values.begin(), tail->count,
                groups.end() - static_cast<std::ptrdiff_t>(tail->count));
    return groups;
}

std::string dotted_quad_text(std::span<const std::uint8_t> octets) {
    std::string text;
    for (const auto octet : octets)
        text.append(text.empty() ? "" : ".").append(std::to_string(octet));
    return text;
}

/// Where the longest run of at least two zero groups is; the first one of equals (RFC 5952 4.2).
std::pair<std::size_t, std::size_t> longest_zero_run(const Groups& groups) {
    std::size_t best = 0;
    std::size_t best_length = 0;
    for (std::size_t i = 0; i < groups.size();) {
        const auto start = i;
        while (i < groups.size() && groups[i] == 0)
            ++i;
        if (i - start > best_length) {
            best = start;
            best_length = i - start;
        }
        i = std::max(i, start + 1);
    }
    return best_length >= 2 ? std::pair(best, best_length) : std::pair(groups.size(), 0uz);
}

std::string ipv6_text(const Groups& groups) {
    const auto [gap, gap_length] = longest_zero_run(groups);
    std::string text;
    for (std::size_t i = 0; i < groups.size();) {
        if (i == gap) {
            text += "::";
            i += gap_length;
            continue;
        }
        if (!text.empty() && text.back() != ':')
            text += ':';
        std::array<char, 4> digits{};
        const auto end =
            std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16).ptr;
        text.append(digits.data(), end);
        ++i;
    }
    return text;
}

/// The bits of an octet that lie behind the prefix, for the octet where it ends and those after.
std::uint8_t host_bits(unsigned octet, unsigned prefix_length) {
    const unsigned shift = octet == prefix_length / 8 ? prefix_length % 8 : 0;
    return static_cast<std::uint8_t>(0xff >> shift);
}

constexpr std::array<std::uint8_t, 12> ipv4_mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

} // namespace

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> octets) {
    IpAddress address;
    std::ranges::copy(octets, address.octets_.begin());
    return address;
}

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return v4(std::array{a, b, c, d});
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> octets) {
    IpAddress address;
    address.family_ = AddressFamily::ipv6;
    std::ranges::copy(octets, address.octets_.begin());
    return address;
}

IpAddress IpAddress::unspecified(AddressFamily family) {
    IpAddress address;
    address.family_ = family;
    return address;
}

IpAddress IpAddress::highest(AddressFamily family) {
    return unspecified(family).broadcast(0);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (const auto quad = parse_dotted_quad(text))
        return v4(*quad);
    const auto groups = parse_ipv6_groups(text);
    if (!groups)
        return std::nullopt;
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < groups->size(); ++i) {
        octets[2 * i] = static_cast<std::uint8_t>((*groups)[i] >> 8);
        octets[2 * i + 1] = static_cast<std::uint8_t>((*groups)[i] & 0xff);
    }
    return v6(octets);
}

bool IpAddress::is_unspecified() const {
    return *this == unspecified(family_);
}

std::string IpAddress::to_string() const {
    if (family_ == AddressFamily::ipv4)
        return dotted_quad_text(octets());
    // RFC 5952 5: an address with a well-known prefix that holds an IPv4 address shows it.
    if (std::ranges::equal(octets().first(12), ipv4_mapped_prefix))
        return "::ffff:" + dotted_quad_text(octets().last(4));
    Groups groups{};
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i] = static_cast<std::uint16_t>(octets_[2 * i] << 8 | octets_[2 * i + 1]);
    return ipv6_text(groups);
}

IpAddress IpAddress::network(unsigned prefix_length) const {
    IpAddress address = *this;
    for (unsigned octet = prefix_length / 8; octet < bits() / 8; ++octet)
        address.octets_[octet] &= static_cast<std::uint8_t>(~host_bits(octet, prefix_length));
    return address;
}

IpAddress IpAddress::broadcast(unsigned prefix_length) const {
    IpAddress address = *this;
    for (unsigned octet = prefix_length / 8; octet < bits() / 8; ++octet)
        address.octets_[octet] |= host_bits(octet, prefix_length);
    return address;
}

std::optional<IpAddress> IpAddress::next() const {
    IpAddress address = *this;
    for (std::size_t i = bits() / 8; i-- > 0;) {
        if (++address.octets_[i] != 0)
            return address;
    }
    return std::nullopt;
}

std::optional<IpAddress> IpAddress::previous() const {
    IpAddress address = *this;
    for (std::size_t i = bits() / 8; i-- > 0;) {
        if (address.octets_[i]-- != 0)
            return address;
    }
    return std::nullopt;
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    auto prefix_length = std::optional(address->bits());
    if (slash != std::string_view::npos)
        prefix_length = parse_decimal(text.substr(slash + 1), address->bits());
    if (!prefix_length || address->network(*prefix_length) != *address)
        return std::nullopt;
    return Subnet{*address, static_cast<std::uint8_t>(*prefix_length)};
}

bool Subnet::contains(const IpAddress& other) const {
    return other.family() == address.family() && other.network(prefix_length) == address;
}

std::string Subnet::to_string() const {
    return address.to_string() + "/" + std::to_string(prefix_length);
}

std::string UdpEndpoint::to_string() const {
    return address.to_string() + "[" + std::to_string(port) + "]";
}

} // namespace viaduct::policy
