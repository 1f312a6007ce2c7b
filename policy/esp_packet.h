// How packets become ESP packets and back: what an operator may choose beyond algorithms.
#pragma once

#include <compare>
#include <cstdint>

namespace viaduct::policy {

/// RFC 4301 section 4.1. Transport mode protects what the two gateways say to each other.
enum class EspMode : std::uint8_t { tunnel, transport };

/// How much an SA may carry; 0: no limit. The octets are those that the kernel counts: of packets
/// as they are before encryption.
struct VolumeLimit {
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;

    friend auto operator<=>(const VolumeLimit&, const VolumeLimit&) = default;
};

/// What of the inner IP header the outer one takes over, and back (RFC 4301 section 5.1.2).
struct HeaderConstruction {
    /// The outer header gets the inner one's DSCP; without: 0.
    bool copy_dscp_out = true;
    /// The inner header gets the outer one's DSCP, which the network may have changed.
    bool copy_dscp_in = false;
    /// ECN is carried in both directions (RFC 6040).
    bool copy_ecn = true;
    /// The outer IPv4 header gets the inner one's DF; without: 0, and routers on the way may
    /// fragment ESP.
    bool copy_df = true;

    friend bool operator==(const HeaderConstruction&, const HeaderConstruction&) = default;
};

/// What a network card is to do, where it can; otherwise the kernel does it.
enum class HardwareOffload : std::uint8_t {
    none,
    crypto, ///< encryption and integrity
    packet, ///< ESP as a whole, policies included
};

} // namespace viaduct::policy
