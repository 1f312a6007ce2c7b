// How long a packet to a peer may be.
#pragma once

#include "netns/network_namespace.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <expected>

namespace viaduct::netns {

/// The MTU of the router's route between two addresses, in octets: what the kernel learned of the
/// path, the route's own, or the interface's. Fails where there is no route.
std::expected<std::uint32_t, SystemError> path_mtu(const NetworkNamespace& router,
                                                   const policy::IpAddress& local,
                                                   const policy::IpAddress& remote);

} // namespace viaduct::netns
