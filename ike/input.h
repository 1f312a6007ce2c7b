// What goes into the protocol machine beside datagrams. Plain values: the seam between the protocol
// side and the rest may become a process boundary.
#pragma once

#include "policy/child_sa.h"
#include "policy/child_selectors.h"
#include "policy/connection.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace viaduct::ike {

/// A point on the caller's monotonic clock. The core never reads a clock.
using TimePoint = std::chrono::steady_clock::time_point;

/// Bring a connection up. Names resolve outside the core: for a connection whose peer is a DNS
/// name, `peer_address` says what it stands for now.
struct Initiate {
    std::string connection;
    std::optional<policy::IpAddress> peer_address;
};
/// Close a connection's SAs, telling the peer, and leave it down until Initiate or a peer asks.
struct Terminate {
    std::string connection;
};
/// Rekey a connection's IKE SAs, or their child SAs, now.
struct Rekey {
    enum class What : std::uint8_t { ike_sas, child_sas };
    std::string connection;
    What what = What::child_sas;
};
/// Replace the configuration. Connections that are equal in both are not touched.
struct Reconfigure {
    policy::ConnectionSet connections;
};
/// Close everything, telling the peers. From then on no request is answered; the endpoint is done
/// when next_deadline() is empty (the peers have confirmed, or did not answer).
struct Shutdown {};
/// The answer to the effect ResolveName; no address when the name does not resolve.
struct NameResolved {
    std::string name;
    std::vector<policy::IpAddress> addresses;
};
/// Why a connection's datagrams cannot leave.
struct PathObstacle {
    enum class Kind : std::uint8_t {
        no_local_address, ///< `address` is the connection's own, and no interface has it
        no_route,         ///< `address` is the peer's, and there is no way to it
    };
    Kind kind{};
    policy::IpAddress address;

    friend bool operator==(const PathObstacle&, const PathObstacle&) = default;
};
/// What is known of a connection's way to its peer. With an obstacle nothing new is begun until the
/// next PathChanged; SAs that are up stay. Without one the way is open, or is another than before:
/// what waits for its time, or for an answer, is tried at once.
struct PathChanged {
    std::string connection;
    std::optional<PathObstacle> obstacle;
};
using Command =
    std::variant<Initiate, Terminate, Rekey, Reconfigure, Shutdown, NameResolved, PathChanged>;

/// The kernel removed a child SA by its hard limit.
struct HardExpired {
    policy::ChildSpi inbound_spi{};
};
/// A child SA reached a soft limit of the kernel, lost a state there or could not follow its peer:
/// it is to be rekeyed.
struct SoftExpired {
    policy::ChildSpi inbound_spi{};
};
/// The answer to the effect ReadTraffic.
struct TrafficRead {
    policy::ChildSaId child{};
    /// Since the child was installed. 0 when it is not installed or nobody counts.
    std::uint64_t inbound_packets = 0;
};
/// A packet waits for a child SA that an on-demand connection is to have between these selectors
/// (policy::Trap).
struct Acquire {
    std::string connection;
    policy::ChildSelectors selectors;
};
using KernelEvent = std::variant<HardExpired, SoftExpired, TrafficRead, Acquire>;

/// An InstallChildSa, InstallInboundSa or InstallOutboundSa that the kernel refused. Nothing of the
/// child SA remains in the kernel.
struct ChildSaInstallFailed {
    policy::ChildSaId child{};
    /// For reports: what the kernel said.
    std::string reason;
};
using EffectFailure = std::variant<ChildSaInstallFailed>;

} // namespace viaduct::ike
