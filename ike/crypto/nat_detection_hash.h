// The data of NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP (RFC 7296 section 2.23).
#pragma once

#include "ike/wire/numbers.h"
#include "policy/ip_address.h"

#include <array>

namespace viaduct::ike::crypto {

using NatDetectionHash = std::array<std::uint8_t, 20>;

/// SHA-1(SPIi | SPIr | address | port).
NatDetectionHash nat_detection_hash(wire::IkeSpi spi_i, wire::IkeSpi spi_r,
                                    const policy::UdpEndpoint& endpoint);

} // namespace viaduct::ike::crypto
