// Child SAs into the kernel and out of it, with their names and SPIs in the endpoint's table.
#pragma once

#include "ike/child_state.h"
#include "ike/ike_sa_facts.h"
#include "ike/turn.h"
#include "policy/selector_narrowing.h"

#include <chrono>
#include <optional>
#include <string>

namespace viaduct::ike {

/// What both sides agreed on, with the keys that came of it.
struct NewChild {
    /// Drawn from the endpoint's table.
    policy::ChildSpi inbound_spi{};
    policy::ChildSpi outbound_spi{};
    policy::EspSuite suite;
    policy::EspMode mode = policy::EspMode::tunnel;
    policy::NarrowedSelectors selectors;
    policy::EspKeys inbound_keys;
    policy::EspKeys outbound_keys;
    std::chrono::seconds lifetime{};
    /// Hard limits of each SA of the pair. Absent: the connection's.
    std::optional<policy::VolumeLimit> volume;
    /// What was asked for, before narrowing.
    ChildSelectors wanted;
    std::optional<policy::ChildSaId> predecessor;
    /// The peer has no inbound side yet, and traffic has another way to go until then.
    bool outbound_waits = false;
};

/// Emits InstallChildSa or InstallInboundSa and reports; what remains is the child's state.
ChildState install(Turn& turn, const IkeSaFacts& facts, const policy::Connection& connection,
                   NewChild made);

/// Emits RemoveChildSa, frees the SPI and reports.
void remove_child(Turn& turn, const std::string& connection, const ChildState& child, Cause why);

/// Emits RemoveOutboundSa, if there is an outbound SA; one that waits will never come.
void take_outbound_out(Turn& turn, ChildState& child);

/// What the peer has under way is taken in for `time`, then the child leaves the kernel. Reports
/// its end now.
void retire(Turn& turn, const std::string& connection, const ChildState& gone, Cause why,
            std::chrono::seconds time);

} // namespace viaduct::ike
