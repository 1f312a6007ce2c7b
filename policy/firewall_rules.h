// What a router's firewall must know about its connections.
#pragma once

#include "policy/connection.h"
#include "policy/traffic_selector.h"

#include <vector>

namespace viaduct::policy {

/// A protected pair of address ranges, ours and the peer's.
struct ProtectedPair {
    IpAddress local_start, local_end;
    IpAddress remote_start, remote_end;
    friend auto operator<=>(const ProtectedPair&, const ProtectedPair&) = default;
};

/// The NAT exemption is one rule for all tunnels and needs no pairs; the leak guard drops what
/// would travel between the pairs in clear.
struct FirewallRules {
    /// Sorted, without duplicates and without pairs that overlap another: intervals in an nftables
    /// set must not overlap.
    std::vector<ProtectedPair> guarded;
    /// The router's own UDP ports of IKE and of ESP in UDP, which pass in clear. The peers' play no
    /// part: whatever comes from them is for one of ours.
    std::uint16_t ike_port = 500;
    std::uint16_t nat_port = 4500;
    friend bool operator==(const FirewallRules&, const FirewallRules&) = default;
};

/// Of all configured connections, up or not. Protocols and ports of the selectors play no part:
/// between protected ranges nothing passes in clear. The ports are the usual ones.
FirewallRules firewall_rules(const ConnectionSet& connections);

} // namespace viaduct::policy
