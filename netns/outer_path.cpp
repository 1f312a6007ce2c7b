#include "netns/outer_path.h"

#include "netns/file_descriptor.h"
#include "netns/route_message.h"
#include "netns/socket_address.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace viaduct::netns {
namespace {

using policy::AddressFamily;
using policy::IpAddress;

std::uint8_t family_number(const IpAddress& address) {
    return address.family() == AddressFamily::ipv6 ? AF_INET6 : AF_INET;
}

/// Only the kernel knows all that decides; it says so when somebody tries.
std::expected<bool, SystemError> can_bind(const IpAddress& address) {
    const FileDescriptor socket(
        ::socket(family_number(address), SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    SocketAddress name({address, 0});
    if (socket.is_open() && ::bind(socket.number(), name.data(), name.size()) == 0) {
        return true;
    }
    if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT || errno == EINVAL) {
        return false;
    }
    return std::unexpected(SystemError{errno, "bind to " + address.to_string(), {}});
}

IpAddress address_in(const nlattr* attribute, AddressFamily family) {
    if (family == AddressFamily::ipv6) {
        in6_addr address{};
        std::memcpy(&address, mnl_attr_get_payload(attribute), sizeof(address));
        return address_of(address);
    }
    in_addr address{};
    std::memcpy(&address, mnl_attr_get_payload(attribute), sizeof(address));
    return address_of(address);
}

struct Reading {
    AddressFamily family;
    OuterRoute route;
};

int read_attribute(const nlattr* attribute, void* reading) {
    auto& [family, route] = *static_cast<Reading*>(reading);
    const auto length = mnl_attr_get_payload_len(attribute);
    const auto* const octets = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
    switch (mnl_attr_get_type(attribute)) {
    case RTA_PREFSRC:
        if (length >= (family == AddressFamily::ipv6 ? sizeof(in6_addr) : sizeof(in_addr))) {
            route.source = address_in(attribute, family);
        }
        break;
    case RTA_GATEWAY:
    case RTA_VIA: route.gateway.assign(octets, octets + length); break;
    case RTA_OIF:
        if (length >= sizeof(route.interface)) {
            std::memcpy(&route.interface, octets, sizeof(route.interface));
        }
        break;
    default: break;
    }
    return MNL_CB_OK;
}

bool means_no_route(int code) {
    // EACCES: a prohibit route. EINVAL: a blackhole, or a source that is not the router's.
    return code == ENETUNREACH || code == EHOSTUNREACH || code == EACCES || code == EINVAL ||
           code == EADDRNOTAVAIL;
}

} // namespace

std::expected<std::vector<bool>, SystemError>
usable_addresses(const NetworkNamespace& router, std::span<const IpAddress> addresses) {
    std::vector<bool> usable;
    std::optional<SystemError> failure;
    const auto entered = router.inside([&] {
        for (const auto& address : addresses) {
            const auto bound = can_bind(address);
            if (!bound) {
                failure = bound.error();
                return;
            }
            usable.push_back(*bound);
        }
    });
    if (!entered) {
        return std::unexpected(entered.error());
    }
    if (failure) {
        return std::unexpected(*failure);
    }
    return usable;
}

std::expected<RouteLookup, SystemError> RouteLookup::open(const NetworkNamespace& router) {
    return NetlinkSocket::open(router, NETLINK_ROUTE).transform([](NetlinkSocket socket) {
        return RouteLookup(std::move(socket));
    });
}

std::expected<std::optional<OuterRoute>, SystemError>
RouteLookup::towards(const IpAddress& peer, const std::optional<IpAddress>& source) {
    auto request = get_route(peer, source);
    const auto answer = std::move(socket_.exchange({&request, 1}).front());
    if (!answer) {
        if (means_no_route(answer.error().code)) {
            return std::nullopt;
        }
        return std::unexpected(answer.error());
    }
    Reading reading{peer.family(), {}};
    if (answer->size() >= mnl_nlmsg_size(sizeof(rtmsg))) {
        mnl_attr_parse(reinterpret_cast<const nlmsghdr*>(answer->data()), sizeof(rtmsg),
                       read_attribute, &reading);
    }
    return std::move(reading.route);
}

PathEvent path_event(std::span<const std::uint8_t> message) {
    nlmsghdr head{};
    if (message.size() < sizeof(head)) {
        return PathEvent::none;
    }
    std::memcpy(&head, message.data(), sizeof(head));
    switch (head.nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR: return PathEvent::address;
    case RTM_NEWROUTE:
    case RTM_DELROUTE: break;
    default: return PathEvent::none;
    }
    rtmsg route{};
    if (message.size() < NLMSG_HDRLEN + sizeof(route)) {
        return PathEvent::none;
    }
    std::memcpy(&route, message.data() + NLMSG_HDRLEN, sizeof(route));
    // Local addresses are told as such.
    return route.rtm_table == RT_TABLE_LOCAL ? PathEvent::none : PathEvent::route;
}

} // namespace viaduct::netns
