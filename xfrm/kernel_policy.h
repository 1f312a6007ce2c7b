// Selectors of a child as the policies that the kernel can hold. Values only.
#pragma once

#include "netns/system_error.h"
#include "policy/child_sa.h"

#include <compare>
#include <cstdint>
#include <expected>
#include <vector>

namespace viaduct::xfrm {

/// XFRM's three places where a packet meets policies: `in` for packets to the router itself,
/// `forward` for decrypted packets that it passes on.
enum class PolicyDirection : std::uint8_t { in, out, forward };

/// A port, or a block of ports of a power of two, as value and mask; mask 0: any. Host byte order.
struct PortMask {
    std::uint16_t value = 0;
    std::uint16_t mask = 0;
    friend auto operator<=>(const PortMask&, const PortMask&) = default;
};

/// Which packets a policy is about. The kernel holds at most one policy for each.
struct PolicySelector {
    PolicyDirection direction{};
    policy::Subnet source;
    policy::Subnet destination;
    /// 0: any.
    std::uint8_t protocol = 0;
    /// For ICMP: type and code.
    PortMask source_port;
    PortMask destination_port;
    std::uint32_t if_id = 0;
    friend auto operator<=>(const PolicySelector&, const PolicySelector&) = default;
};

/// What happens to these packets: ESP with any state that has the reqid, in tunnel mode between two
/// addresses. Or nothing at all, for neighbour discovery.
struct KernelPolicy {
    PolicySelector selector;
    /// Of packets that arrive any: the kernel finds their state by SPI, and a peer whose address
    /// changes goes on with the states that it has. In transport mode any, for the packet's own.
    policy::IpAddress tunnel_source;
    policy::IpAddress tunnel_destination;
    std::uint32_t reqid = 0;
    policy::EspMode mode = policy::EspMode::tunnel;
    /// The interface whose hardware is to do ESP as a whole; 0: none.
    std::uint32_t offload_interface = 0;
    /// The packets pass without ESP; of the others only the selector counts.
    bool in_clear = false;
    friend bool operator==(const KernelPolicy&, const KernelPolicy&) = default;
};

/// Where the packets of such a child's policies travel outside. Nothing for one in clear.
void set_tunnel(KernelPolicy& policy, const policy::IpAddress& local,
                const policy::IpAddress& remote);

/// Policies in, out and forward for every pair of selectors of one family and of protocols that
/// meet; in transport mode none forward. Without duplicates, those of what leaves last: the answers
/// to what waited for them come while the rest is still being put. A range of ports or of ICMP
/// types becomes blocks of powers of two, each with policies of its own. Ports without a protocol,
/// OPAQUE ports and more than `most_policies` are refused with the reason.
///
/// A pair that holds both outer IPv6 addresses would catch the neighbour discovery without which no
/// ESP finds its way on a link (RFC 4861 section 4, types 133 to 137): for each of these types a
/// policy in and one out let it pass in clear. Not on an XFRM interface, which catches none.
std::expected<std::vector<KernelPolicy>, netns::SystemError>
kernel_policies(const policy::ChildSa& child);
constexpr std::size_t most_policies = 6144;

/// Lower wins in the kernel. Depends on the selector only: the longer the prefixes together, the
/// sooner; then a protocol before any; then the longer the port masks.
std::uint32_t policy_priority(const PolicySelector& selector);
/// Before all of them. A policy in clear has no reqid that would say whose it is: it is ours with
/// this priority and a selector of neighbour discovery.
constexpr std::uint32_t neighbour_discovery_priority = 87133;
constexpr std::uint8_t first_neighbour_type = 133;
constexpr std::uint8_t last_neighbour_type = 137;

} // namespace viaduct::xfrm
