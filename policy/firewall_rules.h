// What a router's firewall must know about its connections.
#pragma once

#include "policy/address_pairs.h"
#include "policy/connection.h"

#include <map>
#include <string>
#include <vector>

namespace viaduct::policy {

/// The NAT exemption is one rule for all tunnels and needs no pairs; the leak guard drops what
/// would travel between the pairs in clear.
struct FirewallRules {
    /// Sorted, without duplicates and without pairs that overlap another.
    std::vector<ProtectedPair> guarded;
    /// What leaves through these is encrypted, or dropped by the kernel. Sorted, without
    /// duplicates.
    std::vector<std::string> tunnel_interfaces{};
    /// The router's own UDP ports of IKE and of ESP in UDP, which pass in clear. The peers' play no
    /// part: whatever comes from them is for one of ours.
    std::uint16_t ike_port = 500;
    std::uint16_t nat_port = 4500;
    /// Packets may wait for an on-demand connection. What the kernel keeps for later has no SA yet
    /// when it is forwarded, so that what leaves is looked at where it leaves.
    bool packets_wait = false;
    /// The largest packets that are to travel inside, by connection; of those that have a limit.
    std::map<std::string, std::uint16_t> packet_limits{};
    friend bool operator==(const FirewallRules&, const FirewallRules&) = default;
};

/// Of all configured connections, up or not. Protocols and ports of the selectors play no part:
/// between protected ranges nothing passes in clear. Without a guard: connections that say so, and
/// the pairs of a route-based connection whose remote side is every address: there routes say what
/// belongs into the tunnel. The ports are the usual ones.
FirewallRules firewall_rules(const ConnectionSet& connections);

/// Packets and octets that the leak guard has dropped.
struct GuardCounters {
    /// What would have left in clear, and what arrived in clear.
    std::uint64_t outbound_packets = 0;
    std::uint64_t outbound_bytes = 0;
    std::uint64_t inbound_packets = 0;
    std::uint64_t inbound_bytes = 0;
    friend bool operator==(const GuardCounters&, const GuardCounters&) = default;
};

} // namespace viaduct::policy
