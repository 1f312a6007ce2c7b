// The states of a child on their way to other ends: what is asked of the kernel, and in which
// order.
#pragma once

#include "policy/child_sa.h"
#include "xfrm/reversible_batch.h"
#include "xfrm/state_flow.h"

#include <cstdint>
#include <expected>
#include <span>
#include <utility>
#include <vector>

namespace viaduct::xfrm {

struct StateMove {
    const policy::ChildSa& before;
    const policy::ChildSa& moved;
    /// Only ports differ, and the kernel changes them in the state that is there.
    bool in_place = false;
    /// The interface whose hardware is asked to work for the copies; 0: none.
    std::uint32_t offload_to = 0;

    /// `told` is the kernel's answer to read_state(). Fails as copied_state() does.
    std::expected<void, netns::SystemError> add(Direction direction,
                                                std::span<const std::uint8_t> told);

    /// What comes before the policies are led elsewhere.
    ReversibleBatch requests;
    /// What comes after that, each with its inverse: the packets go on with an old state until
    /// then.
    std::vector<std::pair<netns::NetlinkMessage, netns::NetlinkMessage>> removals;
};

} // namespace viaduct::xfrm
