// How much smaller packets must be to fit into a tunnel.
#pragma once

#include "policy/ip_address.h"
#include "policy/proposal.h"

#include <cstddef>
#include <cstdint>

namespace viaduct::policy {

/// Whether ESP travels directly in IP or in UDP (RFC 3948).
enum class EspCarrier : std::uint8_t { ip, udp };

/// What ESP in tunnel mode (RFC 4303 section 3.1.2) puts around a packet. In octets.
struct EspOverhead {
    /// Outer IP header, UDP header, SPI and sequence number, IV.
    std::size_t before = 0;
    /// The packet with padding, pad length and next header is a multiple of this: the cipher's
    /// block, at least 4 (RFC 4303 section 2.4).
    std::size_t alignment = 4;
    /// ICV.
    std::size_t behind = 0;

    /// How long the outer packet is that carries an inner one of this length.
    std::size_t outer_length(std::size_t inner) const;
    /// The longest inner packet whose outer packet is no longer than `outer`; 0 when none fits.
    std::size_t longest_inner(std::size_t outer) const;
};

/// `outer`: the family of the tunnel's ends. The outer IP header has no options, as the kernel
/// makes it. Unknown algorithms count as nothing.
EspOverhead esp_overhead(const EspSuite& suite, AddressFamily outer, EspCarrier carrier);

/// The TCP segment (RFC 9293 section 3.7.1: without IP and TCP headers and their options) that
/// makes a packet of `packet` octets in this family; never below 88, which is less than any
/// sensible network carries.
std::uint16_t segment_in(std::size_t packet, AddressFamily family);

} // namespace viaduct::policy
