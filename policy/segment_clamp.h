// How long TCP segments may be that travel in a child SA.
#pragma once

#include "policy/address_pairs.h"
#include "policy/child_sa.h"

#include <cstdint>
#include <vector>

namespace viaduct::policy {

/// The child's pairs with the longest segment whose packets fit, encrypted, into `path_mtu` octets
/// between the tunnel's ends, and are no longer than `packet_limit` (0: no limit). None in
/// transport mode, where both ends of a TCP connection know the SA; for an XFRM interface, whose
/// MTU tells, only those of IPv6 where less fits than IPv6 allows an MTU to be.
std::vector<ClampedPair> clamped_pairs(const ChildSa& child, std::uint32_t path_mtu,
                                       std::uint16_t packet_limit);

} // namespace viaduct::policy
