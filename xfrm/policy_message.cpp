#include "xfrm/policy_message.h"

#include "xfrm/attribute_view.h"
#include "xfrm/kernel_address.h"
#include "xfrm/state_flow.h"

#include <format>
#include <netinet/in.h>
#include <utility>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkMessage;

struct DirectionName {
    std::uint8_t number;
    const char* name;
};

DirectionName direction_name(PolicyDirection direction) {
    switch (direction) {
    case PolicyDirection::in: return {XFRM_POLICY_IN, "in"};
    case PolicyDirection::out: return {XFRM_POLICY_OUT, "out"};
    case PolicyDirection::forward: return {XFRM_POLICY_FWD, "fwd"};
    }
    std::unreachable();
}

std::string port_text(const char* name, const PortMask& port) {
    if (port.mask == 0) {
        return {};
    }
    return port.mask == 0xffff ? std::format(" {} {}", name, port.value)
                               : std::format(" {} {}/0x{:04x}", name, port.value, port.mask);
}

std::string selector_text(const PolicySelector& selector) {
    std::string text =
        std::format("src {} dst {}", selector.source.to_string(), selector.destination.to_string());
    if (selector.protocol != 0) {
        text += std::format(" proto {}", selector.protocol);
    }
    text += port_text("sport", selector.source_port);
    text += port_text("dport", selector.destination_port);
    text += std::format(" dir {}", direction_name(selector.direction).name);
    return selector.if_id == 0 ? text : text + std::format(" if_id {}", selector.if_id);
}

xfrm_selector kernel_selector(const PolicySelector& selector) {
    xfrm_selector result{};
    result.saddr = kernel_address(selector.source.address);
    result.daddr = kernel_address(selector.destination.address);
    result.prefixlen_s = selector.source.prefix_length;
    result.prefixlen_d = selector.destination.prefix_length;
    result.sport = htons(selector.source_port.value);
    result.sport_mask = htons(selector.source_port.mask);
    result.dport = htons(selector.destination_port.value);
    result.dport_mask = htons(selector.destination_port.mask);
    result.family = kernel_family(selector.source.address.family());
    result.proto = selector.protocol;
    return result;
}

xfrm_user_tmpl kernel_template(const KernelPolicy& policy) {
    xfrm_user_tmpl result{};
    result.id.daddr = kernel_address(policy.tunnel_destination);
    result.id.proto = IPPROTO_ESP;
    result.saddr = kernel_address(policy.tunnel_source);
    result.family = kernel_family(policy.tunnel_source.family());
    result.reqid = policy.reqid;
    result.mode = kernel_mode(policy.mode);
    result.aalgos = result.ealgos = result.calgos = ~0U;
    return result;
}

/// Also ICMP errors whose enclosed packet the reverse policy takes (RFC 4301 section 6): they come
/// from routers on the way, which need not be within the selectors. The kernel looks at it where it
/// looks for a packet's way out, and where it passes packets on.
bool takes_errors(const KernelPolicy& policy) {
    return !policy.in_clear && policy.mode == policy::EspMode::tunnel &&
           policy.selector.direction != PolicyDirection::in;
}

std::uint32_t priority_of(const KernelPolicy& policy) {
    return policy.in_clear ? neighbour_discovery_priority : policy_priority(policy.selector);
}

bool is_one(std::uint16_t octets, std::uint8_t first, std::uint8_t last) {
    const auto number = ntohs(octets);
    return number >= first && number <= last;
}

} // namespace

NetlinkMessage put_policy(const KernelPolicy& policy) {
    NetlinkMessage message("UPDPOLICY " + selector_text(policy.selector), XFRM_MSG_UPDPOLICY,
                           NLM_F_REQUEST | NLM_F_ACK);
    xfrm_userpolicy_info info{};
    info.sel = kernel_selector(policy.selector);
    info.lft.soft_byte_limit = info.lft.hard_byte_limit = XFRM_INF;
    info.lft.soft_packet_limit = info.lft.hard_packet_limit = XFRM_INF;
    info.priority = priority_of(policy);
    info.dir = direction_name(policy.selector.direction).number;
    info.action = XFRM_POLICY_ALLOW;
    info.flags = takes_errors(policy) ? XFRM_POLICY_ICMP : 0;
    info.share = XFRM_SHARE_ANY;
    message.put_fixed(info);
    if (!policy.in_clear) {
        message.put_attribute_of(XFRMA_TMPL, kernel_template(policy));
    }
    if (policy.selector.if_id != 0) {
        message.put_attribute_of(XFRMA_IF_ID, policy.selector.if_id);
    }
    // There are no policies of forwarded packets in hardware.
    if (policy.offload_interface != 0 && policy.selector.direction != PolicyDirection::forward) {
        xfrm_user_offload offload{};
        offload.ifindex = static_cast<int>(policy.offload_interface);
        offload.flags = XFRM_OFFLOAD_PACKET;
        message.put_attribute_of(XFRMA_OFFLOAD_DEV, offload);
    }
    return message;
}

NetlinkMessage delete_policy(const PolicySelector& selector) {
    NetlinkMessage message("DELPOLICY " + selector_text(selector), XFRM_MSG_DELPOLICY,
                           NLM_F_REQUEST | NLM_F_ACK);
    xfrm_userpolicy_id id{};
    id.sel = kernel_selector(selector);
    id.dir = direction_name(selector.direction).number;
    message.put_fixed(id);
    if (selector.if_id != 0) {
        message.put_attribute_of(XFRMA_IF_ID, selector.if_id);
    }
    return message;
}

NetlinkMessage forwarding_default(ForwardedInClear what) {
    const bool pass = what == ForwardedInClear::pass;
    NetlinkMessage message(pass ? "SETDEFAULT fwd accept" : "SETDEFAULT fwd block",
                           XFRM_MSG_SETDEFAULT, NLM_F_REQUEST | NLM_F_ACK);
    xfrm_userpolicy_default defaults{};
    defaults.fwd = pass ? XFRM_USERPOLICY_ACCEPT : XFRM_USERPOLICY_BLOCK;
    message.put_fixed(defaults);
    return message;
}

NetlinkMessage get_forwarding_default() {
    NetlinkMessage message("GETDEFAULT", XFRM_MSG_GETDEFAULT, NLM_F_REQUEST | NLM_F_ACK);
    message.put_fixed(xfrm_userpolicy_default{});
    return message;
}

std::optional<ForwardedInClear> read_forwarding_default(std::span<const std::uint8_t> answer) {
    const auto head = read_fixed<nlmsghdr>(answer);
    if (!head || head->nlmsg_type != XFRM_MSG_GETDEFAULT) {
        return std::nullopt;
    }
    const auto defaults = read_fixed<xfrm_userpolicy_default>(answer.subspan(NLMSG_HDRLEN));
    if (!defaults) {
        return std::nullopt;
    }
    return defaults->fwd == XFRM_USERPOLICY_BLOCK ? ForwardedInClear::are_dropped
                                                  : ForwardedInClear::pass;
}

bool passes_neighbour_discovery(const xfrm_userpolicy_info& info) {
    return info.priority == neighbour_discovery_priority && info.action == XFRM_POLICY_ALLOW &&
           info.sel.family == AF_INET6 && info.sel.proto == IPPROTO_ICMPV6 &&
           info.sel.sport_mask == 0xffff && info.sel.dport_mask == 0 &&
           is_one(info.sel.sport, first_neighbour_type, last_neighbour_type);
}

std::string describe_policy(const KernelPolicy& policy) {
    if (policy.in_clear) {
        return std::format("ip xfrm policy update {} priority {}", selector_text(policy.selector),
                           priority_of(policy));
    }
    return std::format("ip xfrm policy update {} priority {}{} tmpl src {} dst {} proto esp reqid "
                       "{} mode {}",
                       selector_text(policy.selector), priority_of(policy),
                       takes_errors(policy) ? " flag icmp" : "", policy.tunnel_source.to_string(),
                       policy.tunnel_destination.to_string(), policy.reqid, mode_name(policy.mode));
}

} // namespace viaduct::xfrm
