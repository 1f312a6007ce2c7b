// Where a child SA can be in transport mode, whatever the version.
#pragma once

#include "ike/ike_sa_facts.h"
#include "policy/connection.h"

#include <span>

namespace viaduct::ike {

/// Transport mode where the connection wants it, no NAT is on the way, and the selectors are the
/// two gateways' own addresses. Behind a NAT the inner checksums would be those of other addresses
/// (RFC 7296 section 2.23.1, RFC 3947 section 5.2); tunnel mode carries the same packets.
policy::EspMode mode_between(const IkeSaFacts& facts, const policy::Connection& connection,
                             std::span<const policy::TrafficSelector> local,
                             std::span<const policy::TrafficSelector> remote);

} // namespace viaduct::ike
