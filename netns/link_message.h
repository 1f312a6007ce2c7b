// Requests about interfaces, their addresses and routes (rtnetlink), and what the kernel lists of
// them.
#pragma once

#include "netns/netlink_message.h"
#include "policy/tunnel_interface.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace viaduct::netns {

/// Marks our routes (rtm_protocol). Nobody's in linux/rtnetlink.h, nor in iproute2's list.
constexpr std::uint8_t our_route_protocol = 86;

/// One interface of a listing.
struct ListedLink {
    std::int32_t index = 0;
    std::string name;
    std::uint32_t mtu = 0;
    bool up = false;
    /// Of an XFRM interface its id; nothing for every other kind.
    std::optional<std::uint32_t> if_id;
    std::string alias;
};

/// Requests for the list of all interfaces, and for one by its name.
NetlinkMessage list_links();
NetlinkMessage find_link(const std::string& name);
/// Reads one message of the answer, header included. Nothing when it is none, or is cut short.
std::optional<ListedLink> read_link(std::span<const std::uint8_t> message);

/// NEWLINK: an XFRM interface, which belongs to no other interface. Fails where the name is taken.
NetlinkMessage add_tunnel_interface(const std::string& name, std::uint32_t if_id,
                                    std::uint32_t mtu);
/// NEWLINK for one that is there: this MTU, a word about its owner, and no IPv6 link-local address
/// of the kernel's, which would send into the tunnel by itself. The kernel gives that when the
/// interface goes up, so this comes before bring_up(). Below policy::lowest_ipv6_mtu nothing is
/// said of IPv6.
NetlinkMessage set_tunnel_interface(const ListedLink& link, std::uint32_t mtu);
NetlinkMessage bring_up(const ListedLink& link);
NetlinkMessage delete_link(const ListedLink& link);

NetlinkMessage add_address(const ListedLink& link, const policy::InterfaceAddress& address);
NetlinkMessage delete_address(const ListedLink& link, const policy::InterfaceAddress& address);
/// NEWROUTE: the destination is reached through the interface. Fails where a route to it is there
/// already.
NetlinkMessage add_route(const ListedLink& link, const policy::Subnet& destination);
NetlinkMessage delete_route(const ListedLink& link, const policy::Subnet& destination);

/// What set_tunnel_interface() writes about the owner.
extern const char* const interface_alias;

} // namespace viaduct::netns
