#include "tests/kernel/fake_links.h"

#include "netns/attribute_view.h"
#include "netns/link_message.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <utility>

namespace viaduct::test {

using netns::NetlinkAnswer;
using netns::NetlinkMessage;
using netns::SystemError;

namespace {

using LinkOctets = std::span<const std::uint8_t>;

template <class Fixed> Fixed fixed_of(LinkOctets request) {
    return netns::read_fixed<Fixed>(request.subspan(NLMSG_HDRLEN)).value();
}

template <class Fixed> netns::AttributeViews attributes_of(LinkOctets request) {
    return netns::read_attributes(request.subspan(NLMSG_SPACE(sizeof(Fixed))));
}

std::string text_of(const netns::AttributeViews& attributes, std::uint16_t type) {
    const auto found = attributes.find(type);
    return found == attributes.end()
               ? std::string()
               : std::string(found->second.begin(), std::ranges::find(found->second, 0));
}

/// A prefix length and an address.
Octets key_of(std::uint8_t length, LinkOctets address) {
    Octets key{length};
    key.insert(key.end(), address.begin(), address.end());
    return key;
}

bool is_ipv6(const Octets& key) {
    return key.size() == 17;
}

bool has_ipv6(const FakeLinks::Link& link) {
    return link.mtu >= policy::lowest_ipv6_mtu;
}

std::pair<policy::IpAddress, std::uint8_t> of_key(const Octets& key) {
    const auto address = std::span(key).subspan(1);
    if (address.size() == 4) {
        return {policy::IpAddress::v4(address[0], address[1], address[2], address[3]), key[0]};
    }
    std::array<std::uint8_t, 16> octets{};
    std::ranges::copy(address, octets.begin());
    return {policy::IpAddress::v6(octets), key[0]};
}

} // namespace

class FakeLinks::Socket : public netns::NetlinkExchange {
public:
    explicit Socket(FakeLinks& kernel) : kernel_(kernel) {}

    std::vector<NetlinkAnswer> exchange(std::span<NetlinkMessage> messages) override {
        if (!messages.empty() && kernel_.refusal.takes_whole(messages)) {
            return std::vector<NetlinkAnswer>(
                messages.size(), std::unexpected(SystemError{
                                     kernel_.refusal.error(), messages.front().description(), {}}));
        }
        std::vector<NetlinkAnswer> answers;
        for (const NetlinkMessage& request : messages) {
            answers.push_back(kernel_.take(request));
        }
        return answers;
    }
    std::expected<void, SystemError> dump(NetlinkMessage request,
                                          const std::function<void(LinkOctets)>& each) override {
        if (const int code = kernel_.refusal.take(request); code != 0) {
            return std::unexpected(SystemError{code, request.description(), {}});
        }
        kernel_.list(request, each);
        return {};
    }
    std::uint32_t port() const override { return 0; }

private:
    FakeLinks& kernel_;
};

std::unique_ptr<netns::NetlinkExchange> FakeLinks::socket() {
    return std::make_unique<Socket>(*this);
}

void FakeLinks::add(const std::string& name, std::optional<std::uint32_t> if_id) {
    links[name] = {.if_id = if_id, .mtu = 1500, .up = false, .alias = {}, .addresses = {}};
    indexes_[name] = ++last_index_;
}

void FakeLinks::remove(const std::string& name) {
    take_down(name);
    links.erase(name);
    indexes_.erase(name);
}

void FakeLinks::take_down(const std::string& name) {
    links.at(name).up = false;
    std::erase_if(routes, [&](const auto& route) { return route.second.link == name; });
}

NetlinkAnswer FakeLinks::take(const NetlinkMessage& request) {
    const int code = refusal.take(request);
    if (code == 0) {
        return carry_out(request);
    }
    if (refusal.does_all_the_same()) {
        static_cast<void>(carry_out(request));
    }
    return std::unexpected(SystemError{code, request.description(), {}});
}

NetlinkAnswer FakeLinks::carry_out(const NetlinkMessage& request) {
    const LinkOctets octets = request.octets();
    int code = EOPNOTSUPP;
    switch (netns::read_fixed<nlmsghdr>(octets)->nlmsg_type) {
    case RTM_GETLINK: {
        const auto name = text_of(attributes_of<ifinfomsg>(octets), IFLA_IFNAME);
        if (links.contains(name)) {
            const Octets answer = listed(name);
            return Botan::secure_vector<std::uint8_t>(answer.begin(), answer.end());
        }
        code = ENODEV;
        break;
    }
    case RTM_NEWLINK: code = change_link(octets, (request.flags() & NLM_F_CREATE) != 0); break;
    case RTM_DELLINK: {
        const auto name = name_of(fixed_of<ifinfomsg>(octets).ifi_index);
        code = name ? 0 : ENODEV;
        if (name) {
            remove(*name);
        }
        break;
    }
    case RTM_NEWADDR: code = change_address(octets, true); break;
    case RTM_DELADDR: code = change_address(octets, false); break;
    case RTM_NEWROUTE: code = change_route(octets, true); break;
    case RTM_DELROUTE: code = change_route(octets, false); break;
    default: break;
    }
    return code == 0 ? NetlinkAnswer()
                     : std::unexpected(SystemError{code, request.description(), {}});
}

int FakeLinks::change_link(LinkOctets request, bool may_create) {
    const auto fixed = fixed_of<ifinfomsg>(request);
    const auto attributes = attributes_of<ifinfomsg>(request);
    std::optional<std::string> name = name_of(fixed.ifi_index);
    if (may_create) {
        name = text_of(attributes, IFLA_IFNAME);
        if (links.contains(*name)) {
            return EEXIST;
        }
        const auto info = netns::read_attributes(attributes.at(IFLA_LINKINFO));
        const auto values = netns::read_attributes(info.at(IFLA_INFO_DATA));
        add(*name, netns::read_fixed<std::uint32_t>(values.at(IFLA_XFRM_IF_ID)));
    }
    if (!name) {
        return ENODEV;
    }
    Link& link = links.at(*name);
    const bool is_about_ipv6 = attributes.contains(IFLA_AF_SPEC);
    if (is_about_ipv6 && !has_ipv6(link)) {
        return EAFNOSUPPORT;
    }
    if (attributes.contains(IFLA_MTU)) {
        set_mtu(*name, netns::read_fixed<std::uint32_t>(attributes.at(IFLA_MTU)).value());
    }
    if (attributes.contains(IFLA_IFALIAS)) {
        link.alias = text_of(attributes, IFLA_IFALIAS);
    }
    // By then it is as narrow as was asked for.
    if (is_about_ipv6 && !has_ipv6(link)) {
        return EAFNOSUPPORT;
    }
    link.up = (fixed.ifi_change & IFF_UP) != 0 ? (fixed.ifi_flags & IFF_UP) != 0 : link.up;
    return 0;
}

void FakeLinks::set_mtu(const std::string& name, std::uint32_t mtu) {
    Link& link = links.at(name);
    link.mtu = mtu;
    if (!has_ipv6(link)) {
        std::erase_if(link.addresses, is_ipv6);
        std::erase_if(routes, [&](const auto& entry) {
            return entry.second.link == name && is_ipv6(entry.first);
        });
    }
}

int FakeLinks::change_address(LinkOctets request, bool adds) {
    const auto fixed = fixed_of<ifaddrmsg>(request);
    const auto name = name_of(fixed.ifa_index);
    if (!name) {
        return ENODEV;
    }
    if (fixed.ifa_family == AF_INET6 && !has_ipv6(links.at(*name))) {
        return adds ? EINVAL : ENXIO;
    }
    auto& addresses = links.at(*name).addresses;
    const Octets key = key_of(fixed.ifa_prefixlen, attributes_of<ifaddrmsg>(request).at(IFA_LOCAL));
    if (adds) {
        return addresses.insert(key).second ? 0 : EEXIST;
    }
    return addresses.erase(key) == 0 ? EADDRNOTAVAIL : 0;
}

int FakeLinks::change_route(LinkOctets request, bool adds) {
    const auto fixed = fixed_of<rtmsg>(request);
    const auto attributes = attributes_of<rtmsg>(request);
    const auto name = name_of(netns::read_fixed<std::int32_t>(attributes.at(RTA_OIF)).value());
    if (!name) {
        return ENODEV;
    }
    const Octets key = key_of(fixed.rtm_dst_len, attributes.at(RTA_DST));
    const Route route{*name, fixed.rtm_protocol};
    const auto found = routes.find(key);
    if (!adds) {
        if (found == routes.end() || found->second != route) {
            return ESRCH;
        }
        routes.erase(found);
        return 0;
    }
    if (!links.at(*name).up) {
        return ENETDOWN;
    }
    if (fixed.rtm_family == AF_INET6 && !has_ipv6(links.at(*name))) {
        return ENODEV;
    }
    return routes.emplace(key, route).second ? 0 : EEXIST;
}

void FakeLinks::list(const NetlinkMessage& request,
                     const std::function<void(LinkOctets)>& each) const {
    const LinkOctets octets = request.octets();
    switch (netns::read_fixed<nlmsghdr>(octets)->nlmsg_type) {
    case RTM_GETLINK:
        for (const auto& [name, link] : links) {
            each(listed(name));
        }
        break;
    case RTM_GETADDR:
        if (const auto name = name_of(fixed_of<ifaddrmsg>(octets).ifa_index)) {
            list_addresses(*name, each);
        }
        break;
    case RTM_GETROUTE: {
        const auto interface = attributes_of<rtmsg>(octets).at(RTA_OIF);
        if (const auto name = name_of(netns::read_fixed<std::int32_t>(interface).value())) {
            list_routes(*name, each);
        }
        break;
    }
    default: break;
    }
}

// A list holds what the request that makes it says.
void FakeLinks::list_addresses(const std::string& name,
                               const std::function<void(LinkOctets)>& each) const {
    const auto link = netns::read_link(listed(name)).value();
    for (const Octets& key : links.at(name).addresses) {
        const auto [address, length] = of_key(key);
        each(netns::add_address(link, {address, length}).octets());
    }
}

void FakeLinks::list_routes(const std::string& name,
                            const std::function<void(LinkOctets)>& each) const {
    const auto link = netns::read_link(listed(name)).value();
    for (const auto& [key, route] : routes) {
        // The kernel is asked for ours alone.
        if (route == Route{name, netns::our_route_protocol}) {
            const auto [address, length] = of_key(key);
            each(netns::add_route(link, {address, length}).octets());
        }
    }
}

Octets FakeLinks::listed(const std::string& name) const {
    const Link& link = links.at(name);
    NetlinkMessage message("listed", RTM_NEWLINK, 0);
    if (link.if_id) {
        message = netns::add_tunnel_interface(name, *link.if_id, link.mtu);
    } else {
        message.put_fixed(ifinfomsg{});
        const char* const text = name.c_str();
        message.put_attribute(IFLA_IFNAME,
                              {reinterpret_cast<const std::uint8_t*>(text), name.size() + 1});
    }
    Octets octets(message.octets().begin(), message.octets().end());
    ifinfomsg fixed{};
    fixed.ifi_index = indexes_.at(name);
    fixed.ifi_flags = link.up ? unsigned{IFF_UP} : 0U;
    std::memcpy(octets.data() + NLMSG_HDRLEN, &fixed, sizeof(fixed));
    return octets;
}

std::optional<std::string> FakeLinks::name_of(std::int64_t index) const {
    const auto found = std::ranges::find(
        indexes_, index, [](const auto& entry) { return std::int64_t{entry.second}; });
    return found == indexes_.end() ? std::nullopt : std::optional(found->first);
}

} // namespace viaduct::test
