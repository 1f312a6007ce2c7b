// A child SA as agreed: the one value that crosses from the protocol side to the kernel side.
#pragma once

#include "policy/esp_packet.h"
#include "policy/ip_address.h"
#include "policy/proposal.h"
#include "policy/secret.h"
#include "policy/traffic_selector.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace viaduct::policy {

/// An ESP SPI, host byte order. 0 and 1 to 255 are reserved (RFC 4303 section 2.1).
enum class ChildSpi : std::uint32_t {};

/// As `ip xfrm` shows it, without 0x: `c0ffee01`.
std::string to_string(ChildSpi spi);

/// The keys of one direction.
struct EspKeys {
    /// With the salt behind it for an AEAD.
    Secret encryption;
    /// Empty for an AEAD.
    Secret integrity;
    friend bool operator==(const EspKeys&, const EspKeys&) = default;
};

/// Whether ESP travels in UDP (RFC 3948), between these ports.
struct UdpEncapsulation {
    std::uint16_t local_port = 4500;
    std::uint16_t remote_port = 4500;
    friend auto operator<=>(const UdpEncapsulation&, const UdpEncapsulation&) = default;
};

/// Names a child SA pair inside one router for as long as the router's endpoint lives; never
/// reused.
enum class ChildSaId : std::uint64_t {};

/// The high octet of every reqid that we give out: what carries it in a router's kernel is ours,
/// also when an earlier run of the daemon put it there. Far above those that kernel and operators
/// take.
constexpr std::uint32_t reqid_mark = 0x56000000;
constexpr std::uint32_t reqid_number_mask = 0x00ffffff;
constexpr bool is_our_reqid(std::uint32_t reqid) {
    return (reqid & ~reqid_number_mask) == reqid_mark;
}

/// A pair of SAs (in and out) with the selectors they protect.
struct ChildSa {
    ChildSaId id{};
    /// The connection's name.
    std::string connection;
    /// Identifies the connection and the selectors in the kernel (policies refer to states by it),
    /// stable over rekeys, never 0.
    std::uint32_t reqid = 0;
    /// XFRM interface id; 0: none.
    std::uint32_t if_id = 0;

    IpAddress local_address;
    IpAddress remote_address;
    /// Ours: what arrives here carries it. The peer's: what we send carries it.
    ChildSpi inbound_spi{};
    ChildSpi outbound_spi{};
    EspSuite suite;
    EspKeys inbound_keys;
    EspKeys outbound_keys;
    std::uint32_t replay_window = 1024;
    std::optional<UdpEncapsulation> encapsulation;
    EspMode mode = EspMode::tunnel;
    HeaderConstruction header;
    HardwareOffload offload = HardwareOffload::none;

    std::vector<TrafficSelector> local_selectors;
    std::vector<TrafficSelector> remote_selectors;

    /// Hard limit by time, from installation, as a safety net in the kernel for a daemon that died.
    /// Zero: none.
    std::chrono::seconds lifetime{};
    /// Of each direction by itself. At the soft limit the kernel tells of it, so that the child is
    /// rekeyed; at the hard one it takes the SA out.
    VolumeLimit soft_volume;
    VolumeLimit hard_volume;
    /// Between the NAT keepalives that the kernel sends along with the outbound SA, where it can.
    /// Zero: none.
    std::chrono::seconds nat_keepalive{};

    friend bool operator==(const ChildSa&, const ChildSa&) = default;
};

/// What the kernel counted for a child SA.
struct ChildSaCounters {
    std::uint64_t inbound_bytes = 0;
    std::uint64_t inbound_packets = 0;
    std::uint64_t outbound_bytes = 0;
    std::uint64_t outbound_packets = 0;
    friend bool operator==(const ChildSaCounters&, const ChildSaCounters&) = default;
};

} // namespace viaduct::policy
