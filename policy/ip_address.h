// IPv4 and IPv6 addresses, subnets and UDP paths as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::policy {

enum class AddressFamily : std::uint8_t { ipv4, ipv6 };

/// One IPv4 or IPv6 address. Octets are in network byte order. Addresses of different families
/// are never equal; an IPv4-mapped IPv6 address is an IPv6 address.
class IpAddress {
public:
    /// The IPv4 address 0.0.0.0.
    constexpr IpAddress() = default;
    static IpAddress v4(std::span<const std::uint8_t, 4> octets);
    static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
    static IpAddress v6(std::span<const std::uint8_t, 16> octets);
    static IpAddress unspecified(AddressFamily family);
    /// The highest address of the family (all bits one).
    static IpAddress highest(AddressFamily family);
    /// Textual form (RFC 4291 section 2.2 for IPv6, dotted quad for IPv4, no leading zeros, no
    /// zone). Nothing when the text is not exactly one address.
    static std::optional<IpAddress> parse(std::string_view text);

    AddressFamily family() const { return family_; }
    /// 4 or 16 octets.
    std::span<const std::uint8_t> octets() const {
        return std::span(octets_).first(family_ == AddressFamily::ipv4 ? 4 : 16);
    }
    /// 32 or 128.
    unsigned bits() const { return family_ == AddressFamily::ipv4 ? 32 : 128; }
    bool is_unspecified() const;
    /// RFC 5952 form for IPv6.
    std::string to_string() const;

    /// The address with all bits after the first `prefix_length` cleared, or set.
    IpAddress network(unsigned prefix_length) const;
    IpAddress broadcast(unsigned prefix_length) const;
    /// The next or previous address; nothing beyond the end of the family.
    std::optional<IpAddress> next() const;
    std::optional<IpAddress> previous() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

private:
    AddressFamily family_ = AddressFamily::ipv4;
    std::array<std::uint8_t, 16> octets_{};
};

/// A subnet in prefix notation. `address` has no bit set after the prefix.
struct Subnet {
    IpAddress address;
    std::uint8_t prefix_length = 0;

    /// `192.168.10.0/24`; a plain address is a host prefix. Nothing when the text is no subnet or
    /// has host bits set.
    static std::optional<Subnet> parse(std::string_view text);
    bool contains(const IpAddress& other) const;
    std::string to_string() const;

    friend auto operator<=>(const Subnet&, const Subnet&) = default;
};

/// An address and a UDP port (host byte order).
struct UdpEndpoint {
    IpAddress address;
    std::uint16_t port = 0;

    /// `192.0.2.1[500]`, the field's usual notation.
    std::string to_string() const;
    friend auto operator<=>(const UdpEndpoint&, const UdpEndpoint&) = default;
};

/// Where a datagram came from and to which of our addresses, or where one is to go from which.
struct UdpPath {
    UdpEndpoint local;
    UdpEndpoint remote;

    friend auto operator<=>(const UdpPath&, const UdpPath&) = default;
};

} // namespace viaduct::policy
