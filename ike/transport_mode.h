// Where a child SA can be in transport mode, whatever the version.
#pragma once

#include "policy/ip_address.h"
#include "policy/traffic_selector.h"

#include <span>

namespace viaduct::ike {

/// Whether the selectors are the two gateways' own addresses, as they are seen from here.
bool are_between_gateways(const policy::UdpPath& path,
                          std::span<const policy::TrafficSelector> local,
                          std::span<const policy::TrafficSelector> remote);

} // namespace viaduct::ike
