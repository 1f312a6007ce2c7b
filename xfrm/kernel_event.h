// What the kernel tells by itself about states and policies, without being asked.
#pragma once

#include "policy/child_sa.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace viaduct::xfrm {

/// A state has used up what it may (XFRM_MSG_EXPIRE).
struct StateExpired {
    enum class Limit : std::uint8_t { time, bytes, packets };

    /// By these the state is known.
    policy::IpAddress destination;
    policy::ChildSpi spi{};
    std::uint32_t reqid = 0;
    /// The kernel took the state out; otherwise it goes on.
    bool hard = false;
    /// As far as the counters that came along tell; time when neither octets nor packets are used
    /// up.
    Limit limit = Limit::time;
};

/// A packet met a policy for which there is no state (XFRM_MSG_ACQUIRE).
struct Acquire {
    /// Of the policy's first template.
    std::uint32_t reqid = 0;
    /// The packet's ends, without ports where it has none.
    policy::UdpEndpoint source, destination;
    std::uint8_t protocol = 0;
};

/// ESP in UDP, authentic, came from elsewhere than before (XFRM_MSG_MAPPING).
struct MappingChanged {
    policy::IpAddress destination;
    policy::ChildSpi spi{};
    std::uint32_t reqid = 0;
    policy::UdpEndpoint before, now;
};

using KernelEvent = std::variant<StateExpired, Acquire, MappingChanged>;

/// Reads one notification, netlink header included (structs of linux/xfrm.h). Nothing when it is of
/// another kind, too short, or of an address family that ESP has not.
std::optional<KernelEvent> read_event(std::span<const std::uint8_t> message);

/// For the log: `soft limit of bytes`.
std::string to_string(const StateExpired& expired);

} // namespace viaduct::xfrm
