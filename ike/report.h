// What the protocol machine has to say to people and programs: typed values, text only at the edge.
#pragma once

#include "ike/input.h"
#include "ike/wire/numbers.h"
#include "policy/identity.h"
#include "policy/proposal_choice.h"
#include "policy/selector_narrowing.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace viaduct::ike {

/// Whose doing a negotiation was.
enum class Role : std::uint8_t { initiator, responder };

/// Causes of failure. Each holds what is needed to mend it.
namespace cause {

/// No answer after all retransmissions.
struct NoResponse {
    wire::ExchangeType exchange{};
    unsigned attempts = 0;
};
/// No configured connection fits the addresses (and the version) of a request.
struct NoConnection {
    policy::UdpPath path;
};
/// IKE or ESP proposals have nothing in common. As initiator `offered` is empty: a peer that
/// refuses does not say what it has.
struct NoProposal {
    policy::ProtocolId protocol = policy::ProtocolId::ike;
    policy::ProposalMismatch mismatch;
};
/// Nothing that the peer offers for a child SA travels as it has to here: in words of IKEv1, such
/// as TUNNEL and UDP_TUNNEL.
struct EncapsulationDiffers {
    std::string configured;
    std::string offered;
};
/// The traffic selectors have nothing in common (as responder).
struct NoSelectors {
    policy::SelectorMismatch mismatch;
};
/// No connection accepts the peer's identity, or has the one that the peer asks us for.
struct IdentityMismatch {
    policy::Identity offered;
    /// `peer_id` of the connections that were tried.
    std::vector<policy::IdentityPattern> expected;
    /// As responder, where that is what does not fit: the IDr of the request, and `local_id` of the
    /// connections that accept the peer.
    std::optional<policy::Identity> asked_for = std::nullopt;
    std::vector<policy::Identity> ours = {};
};
/// The peer's AUTH does not verify: a different pre-shared key.
struct PeerNotAuthenticated {
    policy::Identity peer;
    /// The connections between these identities, whose keys were tried.
    std::vector<std::string> connections;
    /// How IKEv1 calls what does not verify: `HASH_I` or `HASH_R`; empty for IKEv2's AUTH.
    std::string v1_proof = {};
};
/// The peer has an IKE SA of this connection already, and the connection keeps the older one.
struct AlreadyUp {
    policy::Identity peer;
};
/// The peer has so many IKE SAs of this connection that it gets no other.
struct TooManyIkeSas {
    policy::Identity peer;
    std::size_t count = 0;
};
/// So many others have IKE SAs of this connection that the peer gets none.
struct TooManyPeers {
    policy::Identity peer;
    std::size_t others = 0;
};
/// The peer wants another child SA of an IKE SA that has so many.
struct TooManyChildSas {
    std::size_t count = 0;
};
/// The peer wants a method of authentication that we do not offer.
struct UnsupportedAuthMethod {
    std::uint8_t method = 0;
    /// IKEv1's number, where it is one of IKEv1's; else 0.
    std::uint16_t v1_method = 0;
};
/// The peer begins IKEv1's aggressive mode, which no connection for it allows.
struct AggressiveModeOff {};
/// The peer answered with an error notify.
struct PeerRefused {
    wire::ExchangeType exchange{};
    wire::NotifyType notify{};
    /// What we had offered, where the notify is about it.
    std::vector<policy::Proposal> our_proposals;
    std::vector<policy::TrafficSelector> our_local_selectors;
    std::vector<policy::TrafficSelector> our_remote_selectors;
    /// How IKEv1 calls the notification, where it is one of IKEv1's.
    std::string v1_name = {};
};
/// The peer does not say that it can do what is configured.
struct PeerLacks {
    std::string what;
};
/// The peer broke the protocol: what was wrong.
struct ProtocolViolation {
    wire::ExchangeType exchange{};
    std::string what;
};
/// The kernel has none of the algorithms that the connection's ESP proposals name.
struct KernelLacksAlgorithms {};
/// The kernel refused the child SA.
struct KernelRefused {
    std::string reason;
};
/// A local fault, such as cryptography that failed.
struct LocalFault {
    std::string what;
};
/// The DNS name of the peer does not resolve.
struct NameUnresolved {
    std::string name;
};
/// Datagrams cannot leave.
struct NoPath {
    PathObstacle obstacle;
};
/// Not a failure: the reasons for which an established SA ends.
struct ClosedByPeer {};
struct ClosedByOperator {};
/// No sign of life for the dead peer detection's time.
struct PeerDead {
    unsigned attempts = 0;
};
/// The end of its lifetime.
struct LifetimeReached {};
/// The configuration changed under it.
struct Reconfigured {};
/// The peer set up a new IKE SA for the same connection.
struct ReplacedByPeer {};
/// A successor took its place.
struct Replaced {};
/// The last child SA of an IKE SA went, and neither side asked for another.
struct NoChildLeft {};

} // namespace cause

using Cause =
    std::variant<cause::NoResponse, cause::NoConnection, cause::NoProposal,
                 cause::EncapsulationDiffers, cause::NoSelectors, cause::IdentityMismatch,
                 cause::PeerNotAuthenticated, cause::AlreadyUp, cause::TooManyIkeSas,
                 cause::TooManyPeers, cause::TooManyChildSas, cause::UnsupportedAuthMethod,
                 cause::AggressiveModeOff, cause::PeerRefused, cause::PeerLacks,
                 cause::ProtocolViolation, cause::KernelLacksAlgorithms, cause::KernelRefused,
                 cause::LocalFault, cause::NameUnresolved, cause::NoPath, cause::ClosedByPeer,
                 cause::ClosedByOperator, cause::PeerDead, cause::LifetimeReached,
                 cause::Reconfigured, cause::ReplacedByPeer, cause::Replaced, cause::NoChildLeft>;

/// `cause::ProtocolViolation`.
Cause violation(wire::ExchangeType exchange, std::string what);

/// At most 255 octets of it: a peer whose identity is not accepted yet must not fill reports.
policy::Identity shortened(policy::Identity identity);

/// A sentence for an operator, on one line: `the peer offers no proposal in common: …`.
std::string to_string(const Cause& cause);
/// A stable short word for programs: `no_proposal`, `peer_not_authenticated`.
std::string_view code(const Cause& cause);

enum class Direction : std::uint8_t { received, sent };

/// One message of an exchange, in arrow notation. `details` is its content decoded, without keys.
struct MessageReport {
    Direction direction = Direction::sent;
    policy::UdpPath path;
    wire::IkeSpi initiator_spi{};
    wire::IkeSpi responder_spi{};
    wire::MessageId message_id{};
    bool response = false;
    /// Empty until the connection is known.
    std::string connection;
    std::string arrow;
    std::string details;
};
struct IkeSaEstablished {
    std::string connection;
    Role role = Role::initiator;
    wire::IkeSpi initiator_spi{};
    wire::IkeSpi responder_spi{};
    policy::UdpPath path;
    policy::Identity peer;
    policy::IkeSuite suite;
};
struct IkeSaClosed {
    std::string connection;
    wire::IkeSpi initiator_spi{};
    wire::IkeSpi responder_spi{};
    Cause why;
};
struct ChildSaEstablished {
    std::string connection;
    policy::ChildSaId child{};
    policy::ChildSpi inbound_spi{};
    policy::ChildSpi outbound_spi{};
    policy::EspSuite suite;
    policy::EspMode mode = policy::EspMode::tunnel;
    std::vector<policy::TrafficSelector> local_selectors;
    std::vector<policy::TrafficSelector> remote_selectors;
};
struct ChildSaClosed {
    std::string connection;
    policy::ChildSaId child{};
    policy::ChildSpi inbound_spi{};
    policy::ChildSpi outbound_spi{};
    Cause why;
};
/// A negotiation that came to nothing. `connection` is empty when none could be found.
struct NegotiationFailed {
    std::string connection;
    Role role = Role::initiator;
    policy::UdpPath path;
    Cause why;
    /// When it will be tried again; absent: not by us.
    std::optional<TimePoint> retry;
};
/// A request was sent again.
struct Retransmitted {
    std::string connection;
    wire::ExchangeType exchange{};
    unsigned attempt = 0;
};

/// The mapping of a NAT before the peer changed; its SAs follow.
struct PeerMoved {
    std::string connection;
    policy::UdpEndpoint from;
    policy::UdpEndpoint to;
};

using ReportEvent = std::variant<MessageReport, IkeSaEstablished, IkeSaClosed, ChildSaEstablished,
                                 ChildSaClosed, NegotiationFailed, Retransmitted, PeerMoved>;

/// Datagrams that were dropped or answered statelessly, by reason, since the endpoint was made.
struct DropCounters {
    std::uint64_t malformed = 0;
    std::uint64_t unknown_version = 0;
    std::uint64_t unknown_exchange = 0;
    std::uint64_t unknown_sa = 0;
    std::uint64_t no_connection = 0;
    std::uint64_t bad_message_id = 0;
    std::uint64_t integrity_failed = 0;
    std::uint64_t half_open_limit = 0;
    /// Refused to peers that are authenticated: an IKE SA because the peer has so many, or so many
    /// others have some; its rekey because the peer deletes none of those before; a child SA.
    std::uint64_t ike_sa_limit = 0;
    std::uint64_t child_sa_limit = 0;
    /// First requests answered by a demand for a cookie.
    std::uint64_t cookies_sent = 0;
    std::uint64_t repeated = 0;
    std::uint64_t unexpected = 0;
    /// Informational exchanges of IKEv1 in clear, which anybody can send.
    std::uint64_t unprotected = 0;
    friend bool operator==(const DropCounters&, const DropCounters&) = default;
};

} // namespace viaduct::ike
