#include "xfrm/kernel_policy.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <netinet/in.h>
#include <optional>

namespace viaduct::xfrm {
namespace {

using netns::SystemError;
using policy::ChildSa;
using policy::TrafficSelector;

/// Ports or ICMP type and code of a pair, seen from our side.
struct PairPorts {
    PortMask local, remote;
};
using PortsResult = std::expected<std::vector<PairPorts>, std::string>;

bool has_all_ports(const TrafficSelector& selector) {
    return selector.start_port == 0 && selector.end_port == 65535;
}

/// The fewest blocks of powers of two that make up a range, in its order: 30 at most.
std::vector<PortMask> port_blocks(const TrafficSelector& selector) {
    std::vector<PortMask> blocks;
    for (std::uint32_t next = selector.start_port; next <= selector.end_port;) {
        const std::uint32_t left = selector.end_port - next + 1;
        const std::uint32_t aligned = next == 0 ? 0x10000 : next & ~(next - 1);
        const std::uint32_t size = std::min(aligned, std::bit_floor(left));
        blocks.push_back(
            {static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(~(size - 1))});
        next += size;
    }
    return blocks;
}

/// RFC 7296 section 3.13.1: the type is the upper octet of the port, the code the lower. XFRM takes
/// the type for a source port and the code for a destination port, whichever way the packet goes.
PortsResult icmp_ports(const TrafficSelector& local, const TrafficSelector& remote) {
    const TrafficSelector& ports = has_all_ports(remote) ? local : remote;
    if (!has_all_ports(local) && !has_all_ports(remote) &&
        (local.start_port != remote.start_port || local.end_port != remote.end_port)) {
        return std::unexpected("both sides name different ICMP types");
    }
    std::vector<PairPorts> result;
    for (const PortMask& block : port_blocks(ports)) {
        const auto upper = [](std::uint16_t number) {
            return static_cast<std::uint16_t>(number >> 8);
        };
        const auto lower = [](std::uint16_t number) {
            return static_cast<std::uint16_t>(number & 0xff);
        };
        // A type and a code have an octet each, a mask has two.
        const PortMask type{upper(block.value),
                            block.mask == 0 ? std::uint16_t{0}
                                            : static_cast<std::uint16_t>(0xff00 | block.mask >> 8)};
        const PortMask code{lower(block.value),
                            lower(block.mask) == 0
                                ? std::uint16_t{0}
                                : static_cast<std::uint16_t>(0xff00 | lower(block.mask))};
        result.push_back({type, code});
    }
    return result;
}

PortsResult pair_ports(const TrafficSelector& local, const TrafficSelector& remote,
                       std::uint8_t protocol) {
    if (protocol == 0 && !(has_all_ports(local) && has_all_ports(remote))) {
        return std::unexpected("ports without a protocol cannot be a kernel policy");
    }
    if (local.start_port > local.end_port || remote.start_port > remote.end_port) {
        return std::unexpected("OPAQUE ports cannot be a kernel policy");
    }
    if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
        return icmp_ports(local, remote);
    }
    std::vector<PairPorts> result;
    for (const PortMask& ours : port_blocks(local)) {
        for (const PortMask& theirs : port_blocks(remote)) {
            result.push_back({ours, theirs});
        }
    }
    return result;
}

/// Nothing when no packet can match both.
std::optional<std::uint8_t> common_protocol(std::uint8_t a, std::uint8_t b) {
    if (a == b || b == 0) {
        return a;
    }
    return a == 0 ? std::optional(b) : std::nullopt;
}

PolicySelector mirrored(PolicySelector selector, PolicyDirection direction) {
    selector.direction = direction;
    std::swap(selector.source, selector.destination);
    if (selector.protocol != IPPROTO_ICMP && selector.protocol != IPPROTO_ICMPV6) {
        std::swap(selector.source_port, selector.destination_port);
    }
    return selector;
}

void append_directions(std::vector<KernelPolicy>& policies, const ChildSa& child,
                       const PolicySelector& out) {
    const auto append = [&](const PolicySelector& selector) {
        policies.push_back({selector, {}, {}, child.reqid, child.mode});
        set_tunnel(policies.back(), child.local_address, child.remote_address);
    };
    append(out);
    append(mirrored(out, PolicyDirection::in));
    if (child.mode == policy::EspMode::tunnel) {
        append(mirrored(out, PolicyDirection::forward));
    }
}

/// A trap of a peer that has no address yet may become one for any.
bool may_hold(const policy::Subnet& subnet, const policy::IpAddress& outer) {
    return outer.family() == policy::AddressFamily::ipv6 &&
           (outer.is_unspecified() || subnet.contains(outer));
}

/// ICMPv6 alone could name the types in question itself; then it is what somebody asked for.
bool catches_neighbour_discovery(const ChildSa& child, const PolicySelector& out) {
    const bool any_type =
        out.protocol == 0 || (out.protocol == IPPROTO_ICMPV6 && out.source_port.mask == 0);
    return any_type && out.if_id == 0 && may_hold(out.source, child.local_address) &&
           may_hold(out.destination, child.remote_address);
}

/// Where a gateway's own neighbour discovery comes from (RFC 4861 section 4): its address, that of
/// the link, and none yet. An `out` policy is also about what is passed on, which stays protected.
std::vector<policy::Subnet> discovery_sources(const ChildSa& child, const policy::Subnet& source) {
    if (child.local_address.is_unspecified()) {
        return {source};
    }
    std::vector<policy::Subnet> sources{{child.local_address, 128}};
    for (const char* const text : {"fe80::/10", "::/128"}) {
        const auto own = policy::Subnet::parse(text).value();
        if (source.prefix_length <= own.prefix_length && source.contains(own.address)) {
            sources.push_back(own);
        }
    }
    return sources;
}

void append_neighbour_discovery(std::vector<KernelPolicy>& policies, const ChildSa& child,
                                PolicySelector out) {
    const auto sources = discovery_sources(child, out.source);
    out.protocol = IPPROTO_ICMPV6;
    out.destination_port = {};
    for (std::uint16_t type = first_neighbour_type; type <= last_neighbour_type; ++type) {
        out.source_port = {type, 0xffff};
        policies.push_back({.selector = mirrored(out, PolicyDirection::in), .in_clear = true});
        for (const policy::Subnet& source : sources) {
            policies.push_back({.selector = out, .in_clear = true});
            policies.back().selector.source = source;
        }
    }
}

SystemError refusal(const TrafficSelector& local, const TrafficSelector& remote,
                    std::string reason) {
    return {EINVAL, "NEWPOLICY " + local.to_string() + " -> " + remote.to_string(),
            std::move(reason)};
}

std::expected<void, SystemError> append_pair(std::vector<KernelPolicy>& policies,
                                             std::vector<PolicySelector>& discovery,
                                             const ChildSa& child, const TrafficSelector& local,
                                             const TrafficSelector& remote) {
    const auto protocol = common_protocol(local.protocol, remote.protocol);
    if (local.family() != remote.family() || !protocol) {
        return {};
    }
    const auto ports = pair_ports(local, remote, *protocol);
    if (!ports) {
        return std::unexpected(refusal(local, remote, ports.error()));
    }
    const auto local_subnets = local.subnets();
    const auto remote_subnets = remote.subnets();
    if (policies.size() + 3 * ports->size() * local_subnets.size() * remote_subnets.size() >
        most_policies) {
        return std::unexpected(refusal(local, remote,
                                       "the child needs more than " +
                                           std::to_string(most_policies) + " kernel policies"));
    }
    for (const policy::Subnet& source : local_subnets) {
        for (const policy::Subnet& destination : remote_subnets) {
            for (const PairPorts& block : *ports) {
                const PolicySelector out{PolicyDirection::out, source,       destination, *protocol,
                                         block.local,          block.remote, child.if_id};
                append_directions(policies, child, out);
                if (catches_neighbour_discovery(child, out)) {
                    discovery.push_back(out);
                }
            }
        }
    }
    return {};
}

} // namespace

void set_tunnel(KernelPolicy& policy, const policy::IpAddress& local,
                const policy::IpAddress& remote) {
    if (policy.in_clear) {
        return;
    }
    if (policy.mode == policy::EspMode::transport) {
        policy.tunnel_source = policy.tunnel_destination =
            policy::IpAddress::unspecified(local.family());
        return;
    }
    const bool out = policy.selector.direction == PolicyDirection::out;
    policy.tunnel_source = out ? local : policy::IpAddress::unspecified(local.family());
    policy.tunnel_destination = out ? remote : local;
}

std::expected<std::vector<KernelPolicy>, SystemError> kernel_policies(const ChildSa& child) {
    std::vector<KernelPolicy> policies;
    std::vector<PolicySelector> discovery;
    for (const TrafficSelector& local : child.local_selectors) {
        for (const TrafficSelector& remote : child.remote_selectors) {
            if (const auto done = append_pair(policies, discovery, child, local, remote); !done) {
                return std::unexpected(done.error());
            }
        }
    }
    for (const PolicySelector& out : discovery) {
        append_neighbour_discovery(policies, child, out);
    }
    // What a child names itself stands before what is let pass.
    std::ranges::stable_sort(policies, {}, &KernelPolicy::selector);
    const auto repeated = std::ranges::unique(policies, {}, &KernelPolicy::selector);
    policies.erase(repeated.begin(), repeated.end());
    // The answers to packets that waited come back while the last of them are being put.
    std::ranges::stable_partition(policies, [](const KernelPolicy& policy) {
        return policy.selector.direction != PolicyDirection::out;
    });
    return policies;
}

std::uint32_t policy_priority(const PolicySelector& selector) {
    constexpr std::uint32_t lowest = 200000;
    const std::uint32_t prefixes =
        std::uint32_t{selector.source.prefix_length} + selector.destination.prefix_length;
    const auto ports = static_cast<std::uint32_t>(std::popcount(selector.source_port.mask) +
                                                  std::popcount(selector.destination_port.mask));
    // 9 bits of prefixes, 1 of protocol, 6 of ports.
    return lowest - (prefixes << 7 | (selector.protocol != 0 ? 1U : 0U) << 6 | ports);
}

} // namespace viaduct::xfrm
