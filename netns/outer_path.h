// Whether and how a router reaches a peer: its outer addresses and routes.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace viaduct::netns {

/// Whether datagrams can be sent from each of the addresses: an interface of the router has it and,
/// for IPv6, duplicate address detection has found nobody else with it.
std::expected<std::vector<bool>, SystemError>
usable_addresses(const NetworkNamespace& router, std::span<const policy::IpAddress> addresses);

/// What the kernel answers to `ip route get`.
struct OuterRoute {
    /// The address that the kernel would send from.
    std::optional<policy::IpAddress> source;
    /// In network byte order, of either family; empty: the peer is on the link.
    std::vector<std::uint8_t> gateway;
    /// Index of the interface.
    std::uint32_t interface = 0;

    friend bool operator==(const OuterRoute&, const OuterRoute&) = default;
};

/// Asks for routes in a router (RTM_GETROUTE of linux/rtnetlink.h; needs no privileges).
class RouteLookup {
public:
    static std::expected<RouteLookup, SystemError> open(const NetworkNamespace& router);

    /// Nothing: there is no route. A rule that looks at the source address is followed when
    /// `source` is given; that address must be the router's.
    std::expected<std::optional<OuterRoute>, SystemError>
    towards(const policy::IpAddress& peer, const std::optional<policy::IpAddress>& source);

private:
    explicit RouteLookup(NetlinkSocket socket) : socket_(std::move(socket)) {}

    NetlinkSocket socket_;
};

/// What an rtnetlink notification can mean for outer paths.
enum class PathEvent : std::uint8_t { none, address, route };
/// `message` is one netlink message, header included.
PathEvent path_event(std::span<const std::uint8_t> message);

} // namespace viaduct::netns
