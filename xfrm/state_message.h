// Requests about the states (the SAs) of a child, as netlink messages.
#pragma once

#include "netns/netlink_message.h"
#include "netns/system_error.h"
#include "policy/child_sa.h"
#include "xfrm/kernel_features.h"
#include "xfrm/state_flow.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

namespace viaduct::xfrm {

/// What a state needs to know that its child does not.
struct StatePlace {
    KernelFeatures features;
    /// The interface whose hardware is to do what the child asks of it; 0: none.
    std::uint32_t offload_interface = 0;
};

/// NEWSA: an ESP state with everything the child says about that direction. Fails where the kernel
/// has no name for an algorithm or cannot have such a replay window.
std::expected<netns::NetlinkMessage, netns::SystemError>
new_state(const policy::ChildSa& child, Direction direction, const StatePlace& place = {});
/// DELSA.
netns::NetlinkMessage delete_state(const policy::ChildSa& child, Direction direction);
/// GETAE, whose answer holds the counters without the keys that GETSA would send along.
netns::NetlinkMessage query_state(const policy::ChildSa& child, Direction direction);

struct StateCounters {
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;
};
/// Reads the answer (NEWAE). Nothing when it is none.
std::optional<StateCounters> read_counters(std::span<const std::uint8_t> answer);

/// What new_state() asks for in the words of ip(8), without keys and without what depends on its
/// place.
std::string describe_state(const policy::ChildSa& child, Direction direction);

} // namespace viaduct::xfrm
