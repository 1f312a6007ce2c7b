#include "netns/link_message.h"

#include "netns/attribute_view.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace viaduct::netns {

const char* const interface_alias = "made by viaductd";

namespace {

using policy::AddressFamily;
using Octets = std::span<const std::uint8_t>;

constexpr std::string_view xfrm_kind = "xfrm";

/// Attributes inside another.
class Nest {
public:
    Nest& put(std::uint16_t type, Octets value) {
        const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type};
        append({reinterpret_cast<const std::uint8_t*>(&head), sizeof(head)});
        append(value);
        octets_.resize((octets_.size() + 3) / 4 * 4);
        return *this;
    }
    template <class Value> Nest& put_of(std::uint16_t type, const Value& value) {
        return put(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
    }
    Octets octets() const { return octets_; }

private:
    void append(Octets octets) { octets_.insert(octets_.end(), octets.begin(), octets.end()); }

    std::vector<std::uint8_t> octets_;
};

void put_text(NetlinkMessage& message, std::uint16_t type, std::string_view text) {
    std::vector<std::uint8_t> octets(text.begin(), text.end());
    octets.push_back(0);
    message.put_attribute(type, octets);
}

std::string text_of(Octets value) {
    const auto end = std::ranges::find(value, 0);
    return {value.begin(), end};
}

std::uint8_t family_number(AddressFamily family) {
    return family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
}

template <class Value>
std::optional<Value> value_of(const AttributeViews& attributes, std::uint16_t type) {
    const auto found = attributes.find(type);
    return found == attributes.end() ? std::nullopt : read_fixed<Value>(found->second);
}

std::optional<std::uint32_t> xfrm_interface_id(const AttributeViews& link) {
    const auto info = link.find(IFLA_LINKINFO);
    if (info == link.end()) {
        return std::nullopt;
    }
    const auto parts = read_attributes(info->second);
    const auto kind = parts.find(IFLA_INFO_KIND);
    const auto values = parts.find(IFLA_INFO_DATA);
    if (kind == parts.end() || text_of(kind->second) != xfrm_kind || values == parts.end()) {
        return std::nullopt;
    }
    return value_of<std::uint32_t>(read_attributes(values->second), IFLA_XFRM_IF_ID);
}

NetlinkMessage address_message(const char* request, std::uint16_t type, std::uint16_t flags,
                               const ListedLink& link, const policy::InterfaceAddress& address) {
    NetlinkMessage message(std::string(request) + " " + address.to_string() + " dev " + link.name,
                           type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags));
    ifaddrmsg fixed{};
    fixed.ifa_family = family_number(address.address.family());
    fixed.ifa_prefixlen = address.prefix_length;
    fixed.ifa_scope = RT_SCOPE_UNIVERSE;
    fixed.ifa_index = static_cast<std::uint32_t>(link.index);
    message.put_fixed(fixed);
    message.put_attribute(IFA_LOCAL, address.address.octets());
    message.put_attribute(IFA_ADDRESS, address.address.octets());
    return message;
}

NetlinkMessage route_message(const char* request, std::uint16_t type, std::uint16_t flags,
                             const ListedLink& link, const policy::Subnet& destination) {
    NetlinkMessage message(std::string(request) + " " + destination.to_string() + " dev " +
                               link.name,
                           type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags));
    rtmsg fixed{};
    fixed.rtm_family = family_number(destination.address.family());
    fixed.rtm_dst_len = destination.prefix_length;
    fixed.rtm_table = RT_TABLE_MAIN;
    fixed.rtm_protocol = our_route_protocol;
    fixed.rtm_scope = RT_SCOPE_LINK;
    fixed.rtm_type = RTN_UNICAST;
    message.put_fixed(fixed);
    message.put_attribute(RTA_DST, destination.address.octets());
    message.put_attribute_of(RTA_OIF, link.index);
    return message;
}

} // namespace

NetlinkMessage list_links() {
    NetlinkMessage message("GETLINK", RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
    message.put_fixed(ifinfomsg{});
    return message;
}

NetlinkMessage find_link(const std::string& name) {
    NetlinkMessage message("GETLINK " + name, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK);
    message.put_fixed(ifinfomsg{});
    put_text(message, IFLA_IFNAME, name);
    return message;
}

std::optional<ListedLink> read_link(Octets message) {
    const auto head = read_fixed<nlmsghdr>(message);
    if (!head || head->nlmsg_len > message.size() || head->nlmsg_type != RTM_NEWLINK ||
        head->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) {
        return std::nullopt;
    }
    const Octets body = message.first(head->nlmsg_len).subspan(NLMSG_HDRLEN);
    const auto fixed = *read_fixed<ifinfomsg>(body);
    const auto attributes = read_attributes(body.subspan(NLMSG_ALIGN(sizeof(fixed))));
    const auto name = attributes.find(IFLA_IFNAME);
    if (name == attributes.end()) {
        return std::nullopt;
    }
    const auto alias = attributes.find(IFLA_IFALIAS);
    return ListedLink{.index = fixed.ifi_index,
                      .name = text_of(name->second),
                      .mtu = value_of<std::uint32_t>(attributes, IFLA_MTU).value_or(0),
                      .up = (fixed.ifi_flags & IFF_UP) != 0,
                      .if_id = xfrm_interface_id(attributes),
                      .alias = alias == attributes.end() ? "" : text_of(alias->second)};
}

NetlinkMessage add_tunnel_interface(const std::string& name, std::uint32_t if_id,
                                    std::uint32_t mtu) {
    NetlinkMessage message("NEWLINK " + name, RTM_NEWLINK,
                           NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    message.put_fixed(ifinfomsg{});
    put_text(message, IFLA_IFNAME, name);
    message.put_attribute_of(IFLA_MTU, mtu);
    const auto values = Nest().put_of(IFLA_XFRM_IF_ID, if_id);
    const auto info =
        Nest()
            .put(IFLA_INFO_KIND,
                 {reinterpret_cast<const std::uint8_t*>(xfrm_kind.data()), xfrm_kind.size()})
            .put(IFLA_INFO_DATA, values.octets());
    message.put_attribute(IFLA_LINKINFO, info.octets());
    return message;
}

NetlinkMessage set_tunnel_interface(const ListedLink& link, std::uint32_t mtu) {
    NetlinkMessage message("NEWLINK " + link.name + " mtu " + std::to_string(mtu), RTM_NEWLINK,
                           NLM_F_REQUEST | NLM_F_ACK);
    ifinfomsg fixed{};
    fixed.ifi_index = link.index;
    message.put_fixed(fixed);
    message.put_attribute_of(IFLA_MTU, mtu);
    put_text(message, IFLA_IFALIAS, interface_alias);
    // One that is narrower has no IPv6 that could be spoken of (EAFNOSUPPORT).
    if (mtu >= policy::lowest_ipv6_mtu) {
        const auto ipv6 = Nest().put_of(IFLA_INET6_ADDR_GEN_MODE,
                                        static_cast<std::uint8_t>(IN6_ADDR_GEN_MODE_NONE));
        message.put_attribute(IFLA_AF_SPEC, Nest().put(AF_INET6, ipv6.octets()).octets());
    }
    return message;
}

NetlinkMessage bring_up(const ListedLink& link) {
    NetlinkMessage message("NEWLINK " + link.name + " up", RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
    ifinfomsg fixed{};
    fixed.ifi_index = link.index;
    fixed.ifi_flags = fixed.ifi_change = IFF_UP;
    message.put_fixed(fixed);
    return message;
}

NetlinkMessage delete_link(const ListedLink& link) {
    NetlinkMessage message("DELLINK " + link.name, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK);
    ifinfomsg fixed{};
    fixed.ifi_index = link.index;
    message.put_fixed(fixed);
    return message;
}

NetlinkMessage add_address(const ListedLink& link, const policy::InterfaceAddress& address) {
    return address_message("NEWADDR", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link, address);
}

NetlinkMessage delete_address(const ListedLink& link, const policy::InterfaceAddress& address) {
    return address_message("DELADDR", RTM_DELADDR, 0, link, address);
}

NetlinkMessage add_route(const ListedLink& link, const policy::Subnet& destination) {
    return route_message("NEWROUTE", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, link, destination);
}

NetlinkMessage delete_route(const ListedLink& link, const policy::Subnet& destination) {
    return route_message("DELROUTE", RTM_DELROUTE, 0, link, destination);
}

} // namespace viaduct::netns
