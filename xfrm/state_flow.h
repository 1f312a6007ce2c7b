// One direction of a child SA as the kernel and the wire see it.
#pragma once

#include "netns/netlink_message.h"
#include "policy/child_sa.h"
#include "xfrm/kernel_address.h"

#include <cstdint>
#include <string>

namespace viaduct::xfrm {

enum class Direction : std::uint8_t { inbound, outbound };

struct Flow {
    const policy::IpAddress& source;
    const policy::IpAddress& destination;
    std::uint32_t spi;
    const policy::EspKeys& keys;
    /// Those of UDP; without meaning for a child that is not encapsulated.
    std::uint16_t source_port, destination_port;
};
/// Refers into the child.
Flow flow_of(const policy::ChildSa& child, Direction direction);

/// XFRM's number of a mode, and ip(8)'s name for it.
std::uint8_t kernel_mode(policy::EspMode mode);
const char* mode_name(policy::EspMode mode);

/// What a request is called in errors: `NEWSA in 10.10.10.4 -> 10.10.10.5 spi 0xc0ffee01`.
std::string request_name(const char* request, const policy::ChildSa& child, Direction direction);
/// By which the kernel finds a state.
xfrm_usersa_id state_id(const policy::ChildSa& child, Direction direction);
/// Puts the attribute that says between which ports ESP travels in UDP, if it does.
void put_encapsulation(netns::NetlinkMessage& message, const policy::ChildSa& child,
                       Direction direction);
/// Puts the attribute that asks an interface's hardware for what the child wants of it, if it wants
/// anything; 0: there is no interface.
void put_offload(netns::NetlinkMessage& message, const policy::ChildSa& child, Direction direction,
                 std::uint32_t interface_index);

} // namespace viaduct::xfrm
