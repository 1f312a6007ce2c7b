// What the operator wants: IKE policies, IPsec policies and connections of one router.
#pragma once

#include "policy/esp_packet.h"
#include "policy/identity.h"
#include "policy/ip_address.h"
#include "policy/proposal.h"
#include "policy/secret.h"
#include "policy/traffic_selector.h"
#include "policy/tunnel_interface.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace viaduct::policy {

enum class IkeVersion : std::uint8_t { v1 = 1, v2 = 2 };

/// When an SA is rekeyed: `margin` before the end of its lifetime, and earlier by up to `jitter`
/// percent of the margin, drawn at random so that the SAs of a restart do not stay in step.
struct RekeyTime {
    /// Absent: a twentieth of the lifetime.
    std::optional<std::chrono::seconds> margin;
    unsigned jitter = 100;

    friend bool operator==(const RekeyTime&, const RekeyTime&) = default;
};

/// When an unanswered request is sent again, and when its sender gives up (RFC 7296 section 2.4).
/// Waiting times grow by `factor` from `first` up to `longest`; after `attempts` sendings and the
/// wait that follows the last, the peer counts as gone.
struct RetransmissionSchedule {
    std::chrono::milliseconds first;
    double factor;
    std::chrono::milliseconds longest;
    unsigned attempts;

    friend bool operator==(const RetransmissionSchedule&, const RetransmissionSchedule&) = default;
};

/// Where nothing else tells that the peer lives: at least a dozen times over several minutes
/// (RFC 7296 section 2.4).
inline constexpr RetransmissionSchedule first_contact_schedule{std::chrono::seconds(1), 1.7,
                                                               std::chrono::seconds(30), 12};
/// For an established SA: a peer that was there and is silent is found dead within a minute.
inline constexpr RetransmissionSchedule established_schedule{std::chrono::seconds(1), 2.0,
                                                             std::chrono::seconds(16), 6};

/// IKE SAs without a child SA in IKE_AUTH (RFC 6023).
enum class ChildlessUse : std::uint8_t {
    never, ///< not offered, and a peer's IKE_AUTH without child is refused
    allow, ///< offered as responder; our own IKE_AUTH carries a child
    force, ///< IKE_AUTH carries none, whoever begins; children follow by CREATE_CHILD_SA
};

/// RFC 7383.
struct Fragmentation {
    bool enabled = true;
    /// Largest IP datagram that an IKE message makes, in octets with the IP and UDP headers.
    std::uint16_t size = 1280;

    friend bool operator==(const Fragmentation&, const Fragmentation&) = default;
};

/// An `[ike.NAME]` table: how IKE SAs are negotiated.
struct IkePolicy {
    std::string name;
    IkeVersion version = IkeVersion::v2;
    std::vector<Proposal> proposals;
    /// From establishment to the end; rekeyed before.
    std::chrono::seconds lifetime = std::chrono::hours(8);
    RekeyTime rekey;
    /// From authentication to a new one, make before break; zero: never.
    std::chrono::seconds reauthentication{};
    RetransmissionSchedule first_contact = first_contact_schedule;
    RetransmissionSchedule retransmission = established_schedule;
    ChildlessUse childless = ChildlessUse::allow;
    Fragmentation fragmentation;

    friend bool operator==(const IkePolicy&, const IkePolicy&) = default;
};

/// An `[esp.NAME]` table: how child SAs are negotiated.
struct EspPolicy {
    std::string name;
    std::vector<Proposal> proposals;
    EspMode mode = EspMode::tunnel;
    /// From installation to the end; rekeyed before.
    std::chrono::seconds lifetime = std::chrono::hours(1);
    /// Of each SA of the pair by itself; rekeyed before.
    VolumeLimit volume;
    RekeyTime rekey;
    /// Anti-replay window in packets.
    std::uint32_t replay_window = 1024;
    HeaderConstruction header;
    HardwareOffload offload = HardwareOffload::none;
    /// The peer cuts HMAC-SHA2-256 to 96 bits although it negotiates 128. `proposals` say 128.
    bool sha256_cut_to_96 = false;

    friend bool operator==(const EspPolicy&, const EspPolicy&) = default;
};

/// As the kernel is to be told: what was agreed, with what both sides only know.
EspSuite installed_suite(EspSuite agreed, const EspPolicy& policy);

/// Whether the daemon starts a connection by itself.
enum class StartAction : std::uint8_t {
    respond,
    initiate,
    /// The first packet between the subnets starts it, and again after it has gone down.
    on_demand,
};

/// What follows when the peer is found dead, or closes the connection.
enum class DpdAction : std::uint8_t {
    /// Forget the SAs and wait.
    clear,
    /// Negotiate anew, for ever, if the connection is one that we start (start = initiate, or
    /// brought
    /// up by the operator); a responder waits for its peer.
    restart,
};

struct DeadPeerDetection {
    /// Time without a sign of life after which the peer is asked; zero: never.
    std::chrono::seconds interval = std::chrono::seconds(30);
    DpdAction action = DpdAction::restart;

    friend bool operator==(const DeadPeerDetection&, const DeadPeerDetection&) = default;
};

/// What becomes of an older IKE SA when the same peer authenticates again for the same connection.
enum class Uniqueness : std::uint8_t {
    replace, ///< the newer stays
    keep,    ///< the newer is refused
    never,   ///< both stay
};

/// How the pairs of local and remote subnets are spread over child SAs.
enum class ChildrenShape : std::uint8_t {
    one,      ///< one child SA for all pairs; one for each pair where the peer insists
    per_pair, ///< one child SA for each pair of selectors
};

/// What follows when the peer closes the connection.
enum class CloseAction : std::uint8_t {
    /// Wait for the peer.
    clear,
    /// Negotiate anew, if the connection is one that we start.
    restart,
};

/// How ESP crosses NATs (RFC 3948).
struct NatTraversal {
    /// Encapsulate in UDP also where no NAT is found.
    bool force = false;
    /// Between keepalives while we are behind a NAT; zero: none.
    std::chrono::seconds keepalive{20};

    friend bool operator==(const NatTraversal&, const NatTraversal&) = default;
};

/// The peer's UDP ports for IKE and for IKE beside ESP in UDP. One port for both: all that we begin
/// goes from our port for ESP in UDP to that one, NAT or not (RFC 7296 section 2.23).
struct PeerPorts {
    std::uint16_t ike = 500;
    std::uint16_t nat = 4500;

    friend bool operator==(const PeerPorts&, const PeerPorts&) = default;
};

/// `peer_address`: fixed, a DNS name (resolved outside the core), or anybody.
struct PeerName {
    std::string name;
    friend bool operator==(const PeerName&, const PeerName&) = default;
};
struct AnyPeer {
    friend bool operator==(const AnyPeer&, const AnyPeer&) = default;
};
using PeerAddress = std::variant<IpAddress, PeerName, AnyPeer>;

/// A `[[connection]]` table, complete: every default is filled in.
struct Connection {
    std::string name;
    IkePolicy ike;
    EspPolicy esp;
    IpAddress local_address;
    PeerAddress peer_address;
    Identity local_id;
    IdentityPattern peer_id;
    Secret psk;
    std::vector<TrafficSelector> local_selectors;
    std::vector<TrafficSelector> remote_selectors;
    StartAction start = StartAction::respond;
    DeadPeerDetection dpd;
    CloseAction close = CloseAction::restart;
    Uniqueness unique = Uniqueness::replace;
    ChildrenShape children = ChildrenShape::one;
    NatTraversal nat_traversal;
    PeerPorts peer_ports;
    /// Absent: policies alone decide what travels in the tunnel.
    std::optional<TunnelInterface> interface;
    /// Largest packet that is to travel inside, in octets with its IP header; 0: what fits.
    std::uint16_t mtu = 0;
    /// Whether packets between the subnets are dropped where they would travel in clear.
    bool leak_guard = true;
    /// IKEv1: begin with aggressive mode, and answer it.
    bool aggressive = false;

    friend bool operator==(const Connection&, const Connection&) = default;
};

/// The connections of one router; names are unique.
struct ConnectionSet {
    std::vector<Connection> connections;

    /// Goes through all of them; who asks often has a ConnectionIndex.
    const Connection* find(std::string_view name) const;
    friend bool operator==(const ConnectionSet&, const ConnectionSet&) = default;
};

/// One configuration file: a router and its connections.
struct Router {
    std::string name;
    /// A name under /run/netns, or an absolute path; empty: the daemon's own namespace.
    std::string netns;
    /// Our UDP ports for IKE and for IKE beside ESP in UDP; absent: those of the daemon.
    std::optional<std::uint16_t> ike_port;
    std::optional<std::uint16_t> nat_port;
    /// From this many half-open IKE SAs on, a new peer has to show a cookie; absent: as the daemon
    /// says.
    std::optional<std::uint16_t> cookie_threshold;
    ConnectionSet connections;

    friend bool operator==(const Router&, const Router&) = default;
};

} // namespace viaduct::policy
