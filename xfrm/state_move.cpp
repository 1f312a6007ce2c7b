#include "xfrm/state_move.h"

#include "xfrm/state_copy.h"
#include "xfrm/state_message.h"

namespace viaduct::xfrm {
namespace {

/// Sequence numbers that a moved state leaves out: more than its original can spend between being
/// read and being replaced.
constexpr std::uint32_t skipped_numbers = 1 << 16;

} // namespace

std::expected<void, netns::SystemError> StateMove::add(Direction direction,
                                                       std::span<const std::uint8_t> told) {
    const std::uint32_t skipped = direction == Direction::outbound ? skipped_numbers : 0;
    auto made = in_place ? redirected_state(told, moved, direction)
                         : copied_state(told, moved, direction, skipped, offload_to);
    auto back = in_place ? redirected_state(told, before, direction)
                         : copied_state(told, before, direction, skipped, offloaded_to(told));
    if (!made || !back) {
        return std::unexpected(made ? back.error() : made.error());
    }
    if (in_place) {
        requests.add(std::move(*made), std::move(*back));
    } else if (flow_of(moved, direction).destination == flow_of(before, direction).destination) {
        // The kernel cannot hold both.
        requests.add_removal(delete_state(before, direction), std::move(*back));
        requests.add(std::move(*made), delete_state(moved, direction));
    } else {
        requests.add(std::move(*made), delete_state(moved, direction));
        removals.emplace_back(delete_state(before, direction), std::move(*back));
    }
    return {};
}

} // namespace viaduct::xfrm
