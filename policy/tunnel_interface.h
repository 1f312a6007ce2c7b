// The XFRM interface of a route-based connection.
#pragma once

#include "policy/ip_address.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

/// The smallest MTU with which an interface has IPv6 (RFC 8200 section 5). Linux takes all IPv6
/// away from a narrower one.
constexpr std::uint16_t lowest_ipv6_mtu = 1280;

/// An address of an interface with the length of its network's prefix.
struct InterfaceAddress {
    IpAddress address;
    std::uint8_t prefix_length = 0;

    /// `169.254.10.1/30`; a plain address stands alone in its network. Nothing when the text is
    /// neither.
    static std::optional<InterfaceAddress> parse(std::string_view text);
    std::string to_string() const;

    friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// A route-based connection: what the kernel routes into this XFRM interface travels in the tunnel.
struct TunnelInterface {
    /// By is_interface_name(). Connections of a router that name the same share it.
    std::string name;
    std::vector<InterfaceAddress> addresses;
    /// Whether routes to the remote subnets lead into the interface; without them a routing daemon
    /// decides.
    bool routes = true;

    friend bool operator==(const TunnelInterface&, const TunnelInterface&) = default;
};

/// Whether the kernel takes it as the name of an interface (dev_valid_name() in net/core/dev.c: 1
/// to 15 octets, none of them white space, '/' or ':', and neither "." nor ".."); control
/// characters and '%', which the kernel replaces, are refused too.
bool is_interface_name(std::string_view name);

} // namespace viaduct::policy
