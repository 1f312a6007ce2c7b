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

PathMtu mtu_of(NetlinkSocket& socket, const PathEnds& path) {
    auto route = ask(socket, get_route(path.remote, path.local), read_route);
    if (!route) {
        // The local address may have gone; the way to the peer need not have.
        route = ask(socket, get_route(path.remote, std::nullopt), read_route);
    }
    if (!route) {
        return std::unexpected(route.error());
    }
    if (route->mtu != 0) {
        return route->mtu;
    }
    return ask(socket, get_link(route->interface), read_link_mtu);
}

} // namespace

PathMtu path_mtu(const NetworkNamespace& router, const PathEnds& path) {
    return path_mtus(router, {&path, 1}).front();
}

std::vector<PathMtu> path_mtus(const NetworkNamespace& router, std::span<const PathEnds> paths) {
    auto socket = NetlinkSocket::open(router, NETLINK_ROUTE);
    if (!socket) {
        return std::vector<PathMtu>(paths.size(), std::unexpected(socket.error()));
    }
    std::vector<PathMtu> result;
    result.reserve(paths.size());
    for (const PathEnds& path : paths) {
        result.push_back(mtu_of(*socket, path));
    }
    return result;
}

} // namespace viaduct::netns
