// A state that is in the kernel, told again with other outer addresses: nothing else of it changes,
// neither keys and limits nor sequence numbers and counters.
#pragma once

#include "netns/netlink_message.h"
#include "netns/system_error.h"
#include "xfrm/attribute_view.h"
#include "xfrm/state_flow.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>

namespace viaduct::xfrm {

/// GETSA, whose answer holds the whole state, keys included.
netns::NetlinkMessage read_state(const policy::ChildSa& child, Direction direction);

/// The attributes in `answer` (to read_state()), with octets of `answer`; nothing when it tells of
/// no state.
std::optional<AttributeViews> state_attributes(std::span<const std::uint8_t> answer);

/// The interface whose hardware works for the state that `answer` tells of; 0: none.
std::uint32_t offloaded_to(std::span<const std::uint8_t> answer);

/// NEWSA: the state that `answer` (to read_state()) tells of, at the child's addresses and ports,
/// with what the child asks of hardware asked of `offload_interface` (0: none).
/// `skipped` outbound sequence numbers stay unused, for those that the original spends after it was
/// read: RFC 4303 3.3.3 forbids to use one twice. Fails with EBADMSG when `answer` tells of no
/// state, and with ENOKEY when it tells no keys.
std::expected<netns::NetlinkMessage, netns::SystemError>
copied_state(std::span<const std::uint8_t> answer, const policy::ChildSa& child,
             Direction direction, std::uint32_t skipped, std::uint32_t offload_interface);

/// UPDSA: the state that `answer` tells of goes on between the child's ports. The kernel changes it
/// in place; its addresses cannot be changed so. Hardware is not told: not for a state that it has
/// taken over.
std::expected<netns::NetlinkMessage, netns::SystemError>
redirected_state(std::span<const std::uint8_t> answer, const policy::ChildSa& child,
                 Direction direction);

} // namespace viaduct::xfrm
