#include "xfrm/kernel_event.h"

#include "xfrm/attribute_view.h"
#include "xfrm/kernel_address.h"

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <algorithm>

namespace viaduct::xfrm {
namespace {

using Octets = std::span<const std::uint8_t>;

StateExpired::Limit limit_reached(const xfrm_usersa_info& state, bool hard) {
    const auto& limits = state.lft;
    const auto& used = state.curlft;
    if (used.bytes >= (hard ? limits.hard_byte_limit : limits.soft_byte_limit)) {
        return StateExpired::Limit::bytes;
    }
    if (used.packets >= (hard ? limits.hard_packet_limit : limits.soft_packet_limit)) {
        return StateExpired::Limit::packets;
    }
    return StateExpired::Limit::time;
}

std::optional<KernelEvent> read_expire(Octets body) {
    const auto fixed = read_fixed<xfrm_user_expire>(body);
    if (!fixed || fixed->state.id.proto != IPPROTO_ESP) {
        return std::nullopt;
    }
    const auto destination = read_address(fixed->state.id.daddr, fixed->state.family);
    if (!destination) {
        return std::nullopt;
    }
    const bool hard = fixed->hard != 0;
    return StateExpired{*destination, policy::ChildSpi{ntohl(fixed->state.id.spi)},
                        fixed->state.reqid, hard, limit_reached(fixed->state, hard)};
}

std::optional<KernelEvent> read_acquire(Octets body) {
    const auto fixed = read_fixed<xfrm_user_acquire>(body);
    if (!fixed || fixed->id.proto != IPPROTO_ESP) {
        return std::nullopt;
    }
    const auto behind = std::min<std::size_t>(body.size(), NLMSG_ALIGN(sizeof(*fixed)));
    const auto attributes = read_attributes(body.subspan(behind));
    const auto templates = attributes.find(XFRMA_TMPL);
    const auto first = templates == attributes.end()
                           ? std::nullopt
                           : read_fixed<xfrm_user_tmpl>(templates->second);
    const auto& selector = fixed->sel;
    const auto source = read_address(selector.saddr, selector.family);
    const auto destination = read_address(selector.daddr, selector.family);
    if (!first || !source || !destination) {
        return std::nullopt;
    }
    return Acquire{first->reqid,
                   {*source, ntohs(selector.sport)},
                   {*destination, ntohs(selector.dport)},
                   selector.proto};
}

std::optional<KernelEvent> read_mapping(Octets body) {
    const auto fixed = read_fixed<xfrm_user_mapping>(body);
    if (!fixed || fixed->id.proto != IPPROTO_ESP) {
        return std::nullopt;
    }
    const auto destination = read_address(fixed->id.daddr, fixed->id.family);
    const auto before = read_address(fixed->old_saddr, fixed->id.family);
    const auto now = read_address(fixed->new_saddr, fixed->id.family);
    if (!destination || !before || !now) {
        return std::nullopt;
    }
    return MappingChanged{*destination,
                          policy::ChildSpi{ntohl(fixed->id.spi)},
                          fixed->reqid,
                          {*before, ntohs(fixed->old_sport)},
                          {*now, ntohs(fixed->new_sport)}};
}

} // namespace

std::optional<KernelEvent> read_event(Octets message) {
    const auto head = read_fixed<nlmsghdr>(message);
    if (!head || head->nlmsg_len > message.size() || head->nlmsg_len < NLMSG_HDRLEN) {
        return std::nullopt;
    }
    const Octets body = message.first(head->nlmsg_len).subspan(NLMSG_HDRLEN);
    switch (head->nlmsg_type) {
    case XFRM_MSG_EXPIRE: return read_expire(body);
    case XFRM_MSG_ACQUIRE: return read_acquire(body);
    case XFRM_MSG_MAPPING: return read_mapping(body);
    default: return std::nullopt;
    }
}

std::string to_string(const StateExpired& expired) {
    std::string text = expired.hard ? "hard limit of " : "soft limit of ";
    switch (expired.limit) {
    case StateExpired::Limit::time: return text + "time";
    case StateExpired::Limit::bytes: return text + "bytes";
    case StateExpired::Limit::packets: return text + "packets";
    }
    return text;
}

} // namespace viaduct::xfrm
