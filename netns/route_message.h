// Questions to the kernel's routing (rtnetlink(7)) as messages, and its answers.
#pragma once

#include "netns/netlink_message.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <optional>
#include <span>

namespace viaduct::netns {

/// How a packet would go. `source` may be left out.
NetlinkMessage get_route(const policy::IpAddress& destination,
                         const std::optional<policy::IpAddress>& source);
/// `index`: of the interface.
NetlinkMessage get_link(std::uint32_t index);

struct Route {
    /// The interface; 0: none.
    std::uint32_t interface = 0;
    /// Of the route itself, or learned from the path; 0: that of the interface counts.
    std::uint32_t mtu = 0;
    friend bool operator==(const Route&, const Route&) = default;
};

/// The answers (RTM_NEWROUTE, RTM_NEWLINK), header included; nothing when it is none.
std::optional<Route> read_route(std::span<const std::uint8_t> message);
/// An interface's MTU; 0: it has none.
std::optional<std::uint32_t> read_link_mtu(std::span<const std::uint8_t> message);

} // namespace viaduct::netns
