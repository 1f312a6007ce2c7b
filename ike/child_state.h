// A child SA of an IKE SA, from its installation to its removal.
#pragma once

#include "ike/input.h"
#include "policy/child_sa.h"
#include "policy/child_selectors.h"

#include <optional>
#include <vector>

namespace viaduct::ike {

using policy::ChildSelectors;

/// A child SA that is installed, at least its inbound side.
struct ChildState {
    policy::ChildSaId id{};
    policy::ChildSpi inbound_spi{};
    policy::ChildSpi outbound_spi{};
    policy::EspSuite suite;
    policy::EspMode mode = policy::EspMode::tunnel;
    std::vector<policy::TrafficSelector> local_selectors;
    std::vector<policy::TrafficSelector> remote_selectors;
    std::optional<policy::UdpEncapsulation> encapsulation;
    /// Where the kernel sends it.
    policy::UdpPath path;
    /// The kernel sends NAT keepalives for as long as it has the outbound side.
    bool kernel_keepalive = false;
    /// What it was asked for with; its successor asks for the same (RFC 7296 section 2.9.2).
    ChildSelectors wanted;
    TimePoint established;
    /// Hard limits of each SA of the pair.
    policy::VolumeLimit volume;
    /// Soft and hard end of life.
    TimePoint replace_at;
    TimePoint expire_at;

    /// The child that this one rekeys.
    std::optional<policy::ChildSaId> predecessor;
    /// Waits, as the outbound side, until the peer is known to have its inbound side.
    std::optional<policy::ChildSa> waiting_outbound;
    /// A successor carries the traffic; this one only takes in what is under way.
    bool replaced = false;
    /// Lost against another child made at the same moment: the peer deletes it, or we do when this
    /// time has come.
    std::optional<TimePoint> redundant_until;
    /// Our request to delete it is queued or under way.
    bool deleting = false;
    /// What the kernel counted when it was asked last.
    std::uint64_t inbound_packets = 0;

    /// Stands for its selectors: not replaced, redundant or on its way out.
    bool in_use() const { return !replaced && !redundant_until && !deleting; }
};

} // namespace viaduct::ike
