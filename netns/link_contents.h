// What an interface has, addresses and routes: how the kernel lists it, and how it tells that some
// of it may be gone (rtnetlink(7)).
#pragma once

#include "netns/link_message.h"

#include <cstdint>
#include <optional>
#include <span>

namespace viaduct::netns {

/// Requests for the lists of an interface's addresses, and of our routes into it. A socket that
/// does not insist on the filter (NetlinkSocket::insist_on_filters()) is shown those of others as
/// well.
NetlinkMessage list_addresses(const ListedLink& link);
NetlinkMessage list_our_routes(const ListedLink& link);

struct ListedAddress {
    std::int32_t interface = 0;
    policy::InterfaceAddress address;
};
/// Of the main table.
struct ListedRoute {
    /// 0: into none, or into several.
    std::int32_t interface = 0;
    policy::Subnet destination;
    bool ours = false;
};

/// Reads one message of the answers, header included. Nothing when it is none, or is cut short.
std::optional<ListedAddress> read_listed_address(std::span<const std::uint8_t> message);
std::optional<ListedRoute> read_listed_route(std::span<const std::uint8_t> message);

/// A notification after which something of ours may be missing on an interface: an address or a
/// route of ours is gone, the interface went down, or a route took the place of another.
struct InterfaceLoss {
    /// 0: that of the replaced route, whichever it is.
    std::int32_t interface = 0;
    std::optional<policy::Subnet> replaced;
};
/// Nothing for all others; most are told from their fixed part.
std::optional<InterfaceLoss> read_interface_loss(std::span<const std::uint8_t> message);

} // namespace viaduct::netns
