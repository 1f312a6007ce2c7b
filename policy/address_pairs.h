// Pairs of address ranges, cut apart so that an nftables set with intervals takes them.
#pragma once

#include "policy/ip_address.h"
#include "policy/traffic_selector.h"

#include <cstdint>
#include <span>
#include <vector>

namespace viaduct::policy {

/// A protected pair of address ranges of one family, ours and the peer's. All ends belong to it.
struct ProtectedPair {
    IpAddress local_start, local_end;
    IpAddress remote_start, remote_end;
    friend auto operator<=>(const ProtectedPair&, const ProtectedPair&) = default;
};

/// A pair between which TCP segments are no longer than this, in octets, in both directions.
struct ClampedPair {
    ProtectedPair pair;
    std::uint16_t segment = 0;
    friend auto operator<=>(const ClampedPair&, const ClampedPair&) = default;
};

/// Every valid pair of a local and a remote selector of one family. Protocols and ports play no
/// part.
std::vector<ProtectedPair> pairs_of(std::span<const TrafficSelector> local,
                                    std::span<const TrafficSelector> remote);

/// The same pairs of addresses, sorted and without pairs that overlap another: intervals in an
/// nftables set must not overlap. Where pairs overlap, the shortest segment counts.
std::vector<ClampedPair> cut_apart(std::vector<ClampedPair> pairs);
std::vector<ProtectedPair> cut_apart(const std::vector<ProtectedPair>& pairs);

} // namespace viaduct::policy
