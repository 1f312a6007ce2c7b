// Finding NATs on the way, and the marker that tells IKE from ESP on the shared port
// (RFC 7296 section 2.23, RFC 3948 section 2.2).
#pragma once

#include "ike/settings.h"
#include "ike/wire/v2_payload.h"
#include "policy/ip_address.h"

#include <array>
#include <expected>
#include <optional>
#include <span>

namespace viaduct::ike {

/// What an IKE_SA_INIT message tells about NATs between the two sides.
struct NatDetection {
    /// The peer sent both notifies: it can encapsulate.
    bool supported = false;
    bool local_behind_nat = false;
    bool remote_behind_nat = false;
    /// The connection wants ESP in UDP also where no NAT is.
    bool forced = false;

    /// ESP travels in UDP.
    bool found() const { return local_behind_nat || remote_behind_nat || forced; }
};

/// `altered` makes the peer find a NAT before us, so that it encapsulates.
enum class SourceNotify : std::uint8_t { truthful, altered };

/// NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP for a message sent along `path`.
std::array<wire::NotifyPayload, 2>
nat_detection_notifies(wire::IkeSpi spi_i, wire::IkeSpi spi_r, const policy::UdpPath& path,
                       SourceNotify source = SourceNotify::truthful);

/// Compares the notifies of a received message with the path it took.
NatDetection detect_nat(std::span<const wire::NotifyPayload> notifies, wire::IkeSpi spi_i,
                        wire::IkeSpi spi_r, const policy::UdpPath& path);

/// The IKE message inside a datagram, without the marker; nothing for a NAT keepalive, for ESP and
/// for what is too short to be either.
std::optional<std::span<const std::uint8_t>> ike_message(std::span<const std::uint8_t> datagram,
                                                         std::uint16_t local_port,
                                                         const EndpointSettings& settings);

/// The datagram for an IKE message leaving from `local_port`: marked where the port wants it.
std::vector<std::uint8_t> ike_datagram(std::span<const std::uint8_t> message,
                                       std::uint16_t local_port, const EndpointSettings& settings);

} // namespace viaduct::ike
