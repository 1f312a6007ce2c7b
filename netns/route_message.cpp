#include "netns/route_message.h"

#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace viaduct::netns {
namespace {

/// The message, if it is a whole one of this kind with at least its fixed part.
const nlmsghdr* message_of(std::span<const std::uint8_t> octets, std::uint16_t type,
                           std::size_t fixed) {
    const auto* const head = reinterpret_cast<const nlmsghdr*>(octets.data());
    const bool whole = mnl_nlmsg_ok(head, static_cast<int>(octets.size())) &&
                       head->nlmsg_type == type && mnl_nlmsg_get_payload_len(head) >= fixed;
    return whole ? head : nullptr;
}

std::uint32_t number_in(const nlattr* attribute) {
    return mnl_attr_validate(attribute, MNL_TYPE_U32) == 0 ? mnl_attr_get_u32(attribute) : 0;
}

int take_metric(const nlattr* attribute, void* route) {
    if (mnl_attr_get_type(attribute) == RTAX_MTU) {
        static_cast<Route*>(route)->mtu = number_in(attribute);
    }
    return MNL_CB_OK;
}

int take_route_attribute(const nlattr* attribute, void* route) {
    switch (mnl_attr_get_type(attribute)) {
    case RTA_OIF: static_cast<Route*>(route)->interface = number_in(attribute); break;
    case RTA_METRICS: mnl_attr_parse_nested(attribute, take_metric, route); break;
    default: break;
    }
    return MNL_CB_OK;
}

int take_link_attribute(const nlattr* attribute, void* mtu) {
    if (mnl_attr_get_type(attribute) == IFLA_MTU) {
        *static_cast<std::uint32_t*>(mtu) = number_in(attribute);
    }
    return MNL_CB_OK;
}

} // namespace

NetlinkMessage get_route(const policy::IpAddress& destination,
                         const std::optional<policy::IpAddress>& source) {
    NetlinkMessage message("route to " + destination.to_string(), RTM_GETROUTE,
                           NLM_F_REQUEST | NLM_F_ACK);
    rtmsg fixed{};
    fixed.rtm_family = destination.family() == policy::AddressFamily::ipv4 ? AF_INET : AF_INET6;
    fixed.rtm_dst_len = static_cast<std::uint8_t>(destination.bits());
    fixed.rtm_src_len = source ? static_cast<std::uint8_t>(source->bits()) : 0;
    message.put_fixed(fixed);
    message.put_attribute(RTA_DST, destination.octets());
    if (source) {
        message.put_attribute(RTA_SRC, source->octets());
    }
    return message;
}

NetlinkMessage get_link(std::uint32_t index) {
    NetlinkMessage message("interface " + std::to_string(index), RTM_GETLINK,
                           NLM_F_REQUEST | NLM_F_ACK);
    ifinfomsg fixed{};
    fixed.ifi_family = AF_UNSPEC;
    fixed.ifi_index = static_cast<int>(index);
    message.put_fixed(fixed);
    return message;
}

std::optional<Route> read_route(std::span<const std::uint8_t> octets) {
    const nlmsghdr* const head = message_of(octets, RTM_NEWROUTE, sizeof(rtmsg));
    if (head == nullptr) {
        return std::nullopt;
    }
    Route route;
    mnl_attr_parse(head, sizeof(rtmsg), take_route_attribute, &route);
    return route;
}

std::optional<std::uint32_t> read_link_mtu(std::span<const std::uint8_t> octets) {
    const nlmsghdr* const head = message_of(octets, RTM_NEWLINK, sizeof(ifinfomsg));
    if (head == nullptr) {
        return std::nullopt;
    }
    std::uint32_t mtu = 0;
    mnl_attr_parse(head, sizeof(ifinfomsg), take_link_attribute, &mtu);
    return mtu;
}

} // namespace viaduct::netns
