#include "netns/path_mtu.h"

#include "netns/netlink_socket.h"
#include "netns/route_message.h"

#include <cerrno>
#include <linux/netlink.h>
#include <utility>

namespace viaduct::netns {
namespace {

template <class Read>
auto ask(NetlinkSocket& socket, NetlinkMessage request, const Read& read)
    -> std::expected<typename decltype(read({}))::value_type, SystemError> {
    const auto answer = std::move(socket.exchange({&request, 1}).front());
    if (!answer) {
        return std::unexpected(answer.error());
    }
    const auto found = read(*answer);
    if (!found) {
        return std::unexpected(SystemError{EBADMSG, request.description(), {}});
    }
    return *found;
}

} // namespace

std::expected<std::uint32_t, SystemError> path_mtu(const NetworkNamespace& router,
                                                   const policy::IpAddress& local,
                                                   const policy::IpAddress& remote) {
    auto socket = NetlinkSocket::open(router, NETLINK_ROUTE);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    auto route = ask(*socket, get_route(remote, local), read_route);
    if (!route) {
        // The local address may have gone; the way to the peer need not have.
        route = ask(*socket, get_route(remote, std::nullopt), read_route);
    }
    if (!route) {
        return std::unexpected(route.error());
    }
    if (route->mtu != 0) {
        return route->mtu;
    }
    return ask(*socket, get_link(route->interface), read_link_mtu);
}

} // namespace viaduct::netns
