// A snapshot of one endpoint for status reports. Values only, no keys.
#pragma once

#include "ike/report.h"
#include "policy/child_sa.h"
#include "policy/child_selectors.h"

#include <optional>
#include <string>
#include <vector>

namespace viaduct::ike {

enum class ConnectionState : std::uint8_t {
    down,        ///< nothing is negotiated and nothing is planned
    waiting,     ///< down, to be tried again at `next_attempt`
    negotiating, ///< an IKE_SA_INIT or IKE_AUTH is under way
    up,          ///< a child SA is installed
    ike_only,    ///< an IKE SA without child SA
};
std::string_view to_string(ConnectionState state);

struct ChildSaStatus {
    policy::ChildSaId id{};
    policy::ChildSpi inbound_spi{};
    policy::ChildSpi outbound_spi{};
    policy::EspSuite suite;
    policy::EspMode mode = policy::EspMode::tunnel;
    std::vector<policy::TrafficSelector> local_selectors;
    std::vector<policy::TrafficSelector> remote_selectors;
    std::optional<policy::UdpEncapsulation> encapsulation;
    TimePoint established;
    /// When it is replaced.
    TimePoint replace_at;
    /// How much either SA of the pair may carry; it is replaced before.
    policy::VolumeLimit volume;
};

struct IkeSaStatus {
    Role role = Role::initiator;
    bool established = false;
    /// What is awaited, in the RFC's words: `IKE_SA_INIT response`.
    std::string state;
    wire::IkeSpi initiator_spi{};
    wire::IkeSpi responder_spi{};
    policy::UdpPath path;
    std::optional<policy::Identity> peer;
    std::optional<policy::IkeSuite> suite;
    /// What an IKEv1 peer announces by its vendor ids, in words.
    std::vector<std::string> vendor_ids;
    TimePoint since;
    /// When it is replaced; absent until established.
    std::optional<TimePoint> replace_at;
    TimePoint last_heard;
    /// A NAT was detected before us, or before the peer.
    bool local_behind_nat = false;
    bool remote_behind_nat = false;
    std::vector<ChildSaStatus> children;
};

struct ConnectionStatus {
    std::string name;
    ConnectionState state = ConnectionState::down;
    TimePoint since;
    /// Why it is not up, or why it last went down.
    std::optional<Cause> reason;
    std::optional<TimePoint> reason_at;
    std::optional<TimePoint> next_attempt;
    unsigned attempts = 0;
    std::vector<IkeSaStatus> ike_sas;
    /// The last messages in arrow notation, oldest first.
    std::vector<std::string> messages;
    /// The operator closed it, and it stays down.
    bool held_by_operator = false;
    /// What none of its established IKE SAs has a child SA for although the connection wants it.
    std::vector<policy::ChildSelectors> missing_children;
};

struct EndpointStatus {
    std::vector<ConnectionStatus> connections;
    DropCounters dropped;
    std::size_t half_open = 0;
    /// The last refusals that could not be ascribed to a connection.
    std::vector<NegotiationFailed> unmatched;
};

} // namespace viaduct::ike
