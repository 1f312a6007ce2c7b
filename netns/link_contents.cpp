#include "netns/link_contents.h"

#include "netns/attribute_view.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace viaduct::netns {

namespace {

using policy::IpAddress;
using Octets = std::span<const std::uint8_t>;

/// What stands behind the header; empty when the message is not whole, or is none of this kind.
Octets body_of(Octets message, std::uint16_t type) {
    const auto head = read_fixed<nlmsghdr>(message);
    if (!head || head->nlmsg_type != type || head->nlmsg_len > message.size() ||
        head->nlmsg_len < NLMSG_HDRLEN) {
        return {};
    }
    return message.first(head->nlmsg_len).subspan(NLMSG_HDRLEN);
}

template <class Fixed> AttributeViews attributes_behind(Octets body) {
    const auto offset = NLMSG_ALIGN(sizeof(Fixed));
    return body.size() < offset ? AttributeViews() : read_attributes(body.subspan(offset));
}

std::optional<IpAddress> address_of(std::uint8_t family, Octets octets) {
    std::array<std::uint8_t, 16> whole{};
    if (octets.size() != (family == AF_INET ? 4U : 16U)) {
        return std::nullopt;
    }
    std::ranges::copy(octets, whole.begin());
    return family == AF_INET ? IpAddress::v4(whole[0], whole[1], whole[2], whole[3])
                             : IpAddress::v6(whole);
}

std::optional<policy::Subnet> destination_of(const rtmsg& fixed, const AttributeViews& attributes) {
    // A default route names none.
    constexpr std::array<std::uint8_t, 16> nowhere{};
    const auto named = attributes.find(RTA_DST);
    const Octets octets = named != attributes.end()
                              ? named->second
                              : Octets(nowhere).first(fixed.rtm_family == AF_INET ? 4 : 16);
    return address_of(fixed.rtm_family, octets).transform([&](const IpAddress& address) {
        return policy::Subnet{address, fixed.rtm_dst_len};
    });
}

std::optional<ListedRoute> route_in(Octets body) {
    const auto fixed = read_fixed<rtmsg>(body);
    if (!fixed || fixed->rtm_table != RT_TABLE_MAIN ||
        (fixed->rtm_family != AF_INET && fixed->rtm_family != AF_INET6)) {
        return std::nullopt;
    }
    const auto attributes = attributes_behind<rtmsg>(body);
    const auto destination = destination_of(*fixed, attributes);
    if (!destination) {
        return std::nullopt;
    }
    const auto interface = attributes.find(RTA_OIF);
    return ListedRoute{.interface = interface == attributes.end()
                                        ? 0
                                        : read_fixed<std::int32_t>(interface->second).value_or(0),
                       .destination = *destination,
                       .ours = fixed->rtm_protocol == our_route_protocol &&
                               fixed->rtm_type == RTN_UNICAST};
}

std::optional<InterfaceLoss> loss_of(std::optional<std::int32_t> interface) {
    return interface ? std::optional(InterfaceLoss{*interface, {}}) : std::nullopt;
}

std::optional<InterfaceLoss> link_down(Octets body) {
    const auto link = read_fixed<ifinfomsg>(body);
    return link && (link->ifi_flags & IFF_UP) == 0 ? loss_of(link->ifi_index) : std::nullopt;
}

std::optional<InterfaceLoss> address_gone(Octets body) {
    return loss_of(read_fixed<ifaddrmsg>(body).transform(
        [](const ifaddrmsg& fixed) { return static_cast<std::int32_t>(fixed.ifa_index); }));
}

std::optional<InterfaceLoss> route_gone(Octets body) {
    const auto fixed = read_fixed<rtmsg>(body);
    if (!fixed || fixed->rtm_protocol != our_route_protocol) {
        return std::nullopt;
    }
    const auto route = route_in(body);
    return route && route->ours ? loss_of(route->interface) : std::nullopt;
}

std::optional<InterfaceLoss> route_replaced(Octets body) {
    return route_in(body).transform([](const ListedRoute& route) {
        return InterfaceLoss{.interface = 0, .replaced = route.destination};
    });
}

} // namespace

NetlinkMessage list_addresses(const ListedLink& link) {
    NetlinkMessage message("GETADDR dev " + link.name, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
    ifaddrmsg fixed{};
    fixed.ifa_index = static_cast<std::uint32_t>(link.index);
    message.put_fixed(fixed);
    return message;
}

NetlinkMessage list_our_routes(const ListedLink& link) {
    NetlinkMessage message("GETROUTE dev " + link.name, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);
    rtmsg fixed{};
    fixed.rtm_table = RT_TABLE_MAIN;
    fixed.rtm_protocol = our_route_protocol;
    fixed.rtm_type = RTN_UNICAST;
    message.put_fixed(fixed);
    message.put_attribute_of(RTA_OIF, link.index);
    return message;
}

std::optional<ListedAddress> read_listed_address(Octets message) {
    const Octets body = body_of(message, RTM_NEWADDR);
    const auto fixed = read_fixed<ifaddrmsg>(body);
    if (!fixed || (fixed->ifa_family != AF_INET && fixed->ifa_family != AF_INET6)) {
        return std::nullopt;
    }
    const auto attributes = attributes_behind<ifaddrmsg>(body);
    // With a peer's address beside it, ours is the local one.
    auto named = attributes.find(IFA_LOCAL);
    if (named == attributes.end()) {
        named = attributes.find(IFA_ADDRESS);
    }
    if (named == attributes.end()) {
        return std::nullopt;
    }
    return address_of(fixed->ifa_family, named->second).transform([&](const IpAddress& address) {
        return ListedAddress{static_cast<std::int32_t>(fixed->ifa_index),
                             {address, fixed->ifa_prefixlen}};
    });
}

std::optional<ListedRoute> read_listed_route(Octets message) {
    return route_in(body_of(message, RTM_NEWROUTE));
}

std::optional<InterfaceLoss> read_interface_loss(Octets message) {
    const auto head = read_fixed<nlmsghdr>(message);
    if (!head) {
        return std::nullopt;
    }
    const Octets body = body_of(message, head->nlmsg_type);
    switch (head->nlmsg_type) {
    case RTM_NEWLINK: return link_down(body);
    case RTM_DELADDR: return address_gone(body);
    case RTM_DELROUTE: return route_gone(body);
    case RTM_NEWROUTE:
        return (head->nlmsg_flags & NLM_F_REPLACE) != 0 ? route_replaced(body) : std::nullopt;
    default: return std::nullopt;
    }
}

} // namespace viaduct::netns
