// How large packets may be on the way to a peer.
#pragma once

#include "netns/network_namespace.h"
#include "netns/system_error.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <expected>

namespace viaduct::netns {

/// The MTU of the route between two addresses of one family, as far as the kernel knows it by now:
/// of the interface, of the route, or what path MTU discovery found (IP_MTU of ip(7)). In octets
/// with the IP header. Nothing is sent. Fails where there is no route, or `local` is not there.
std::expected<std::uint32_t, SystemError> path_mtu(const NetworkNamespace& router,
                                                   const policy::IpAddress& local,
                                                   const policy::IpAddress& peer);

} // namespace viaduct::netns
