// How long a packet to a peer may be.
#pragma once

#include "netns/network_namespace.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <expected>
#include <span>
#include <vector>

namespace viaduct::netns {

/// Where a path begins and ends.
struct PathEnds {
    policy::IpAddress local;
    policy::IpAddress remote;
    friend auto operator<=>(const PathEnds&, const PathEnds&) = default;
};

using PathMtu = std::expected<std::uint32_t, SystemError>;

/// The MTU of the router's route between two addresses, in octets: what the kernel learned of the
/// path, the route's own, or the interface's. Fails where there is no route.
PathMtu path_mtu(const NetworkNamespace& router, const PathEnds& path);
/// Of each of the paths, in their order.
std::vector<PathMtu> path_mtus(const NetworkNamespace& router, std::span<const PathEnds> paths);

} // namespace viaduct::netns
