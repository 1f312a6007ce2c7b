#include "xfrm/state_copy.h"

#include "xfrm/attribute_view.h"
#include "xfrm/told_keys.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkMessage;
using netns::SystemError;
using policy::ChildSa;
using Octets = std::span<const std::uint8_t>;

/// What is written anew, or what the kernel tells and does not take.
bool is_left_out(std::uint16_t type) {
    switch (type) {
    case XFRMA_ENCAP:
    case XFRMA_OFFLOAD_DEV:
    case XFRMA_LTIME_VAL:
    case XFRMA_SRCADDR:
    case XFRMA_COADDR:
    case XFRMA_LASTUSED:
    case XFRMA_PAD: return true;
    default: return false;
    }
}

/// The kernel numbers in 32 bits, and in 64 with extended sequence numbers. At its end a number
/// stays there, where the kernel sends nothing more.
void skip_numbers(std::uint32_t& low, std::uint32_t* high, std::uint32_t skipped) {
    const std::uint64_t sum = std::uint64_t{low} + skipped;
    if (high != nullptr) {
        *high += static_cast<std::uint32_t>(sum >> 32);
        low = static_cast<std::uint32_t>(sum);
    } else {
        low = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(sum, std::numeric_limits<std::uint32_t>::max()));
    }
}

/// The value with `skip` done to the struct at its front; what lies behind that is kept.
template <class Numbers, class Skip>
void put_skipped(NetlinkMessage& message, std::uint16_t type, Octets value, const Skip& skip) {
    Botan::secure_vector<std::uint8_t> changed(value.begin(), value.end());
    if (changed.size() >= sizeof(Numbers)) {
        Numbers numbers{};
        std::memcpy(&numbers, changed.data(), sizeof(numbers));
        skip(numbers);
        std::memcpy(changed.data(), &numbers, sizeof(numbers));
    }
    message.put_attribute(type, changed);
}

void put_copied(NetlinkMessage& message, std::uint16_t type, Octets value, bool extended,
                std::uint32_t skipped) {
    if (type == XFRMA_REPLAY_ESN_VAL) {
        put_skipped<xfrm_replay_state_esn>(message, type, value, [&](auto& numbers) {
            skip_numbers(numbers.oseq, extended ? &numbers.oseq_hi : nullptr, skipped);
        });
    } else if (type == XFRMA_REPLAY_VAL) {
        put_skipped<xfrm_replay_state>(message, type, value, [&](auto& numbers) {
            skip_numbers(numbers.oseq, nullptr, skipped);
        });
    } else {
        message.put_attribute(type, value);
    }
}

std::expected<NetlinkMessage, SystemError> rewritten(const char* name, std::uint16_t request,
                                                     Octets answer, const ChildSa& child,
                                                     Direction direction, std::uint32_t skipped,
                                                     std::uint32_t offload_interface) {
    NetlinkMessage message(request_name(name, child, direction), request,
                           NLM_F_REQUEST | NLM_F_ACK);
    const auto told = state_attributes(answer);
    if (!told) {
        return std::unexpected(
            SystemError{EBADMSG, message.description(), "the kernel's answer holds no state"});
    }
    const AttributeViews& attributes = *told;
    // UPDSA changes no key.
    if (request == XFRM_MSG_NEWSA && lacks_keys(attributes)) {
        return std::unexpected(SystemError{ENOKEY, message.description(),
                                           "the kernel is locked down and shows no keys"});
    }
    auto info = *read_fixed<xfrm_usersa_info>(answer.subspan(NLMSG_HDRLEN));
    const Flow flow = flow_of(child, direction);
    info.saddr = kernel_address(flow.source);
    info.id.daddr = kernel_address(flow.destination);
    info.family = kernel_family(flow.source.family());
    message.put_fixed(info);
    for (const auto& [type, value] : attributes) {
        // The kernel tells the authentication twice, once without the length of its result.
        // Keepalives are for ESP in UDP alone.
        if (!is_left_out(type) && !(type == XFRMA_NAT_KEEPALIVE_INTERVAL && !child.encapsulation) &&
            !(type == XFRMA_ALG_AUTH && attributes.contains(XFRMA_ALG_AUTH_TRUNC))) {
            put_copied(message, type, value, (info.flags & XFRM_STATE_ESN) != 0, skipped);
        }
    }
    put_encapsulation(message, child, direction);
    put_offload(message, child, direction, offload_interface);
    message.put_attribute_of(XFRMA_LTIME_VAL, info.curlft);
    return message;
}

} // namespace

NetlinkMessage read_state(const ChildSa& child, Direction direction) {
    NetlinkMessage message(request_name("GETSA", child, direction), XFRM_MSG_GETSA,
                           NLM_F_REQUEST | NLM_F_ACK);
    message.put_fixed(state_id(child, direction));
    return message;
}

std::optional<AttributeViews> state_attributes(Octets answer) {
    const auto head = read_fixed<nlmsghdr>(answer);
    constexpr std::size_t info_end = NLMSG_LENGTH(sizeof(xfrm_usersa_info));
    if (!head || head->nlmsg_type != XFRM_MSG_NEWSA || head->nlmsg_len > answer.size() ||
        head->nlmsg_len < info_end) {
        return std::nullopt;
    }
    return read_attributes(answer.first(head->nlmsg_len).subspan(info_end));
}

std::uint32_t offloaded_to(Octets answer) {
    const auto told = state_attributes(answer);
    const auto entry = told ? told->find(XFRMA_OFFLOAD_DEV) : AttributeViews::const_iterator{};
    if (!told || entry == told->end()) {
        return 0;
    }
    const auto offload = read_fixed<xfrm_user_offload>(entry->second);
    return offload ? static_cast<std::uint32_t>(offload->ifindex) : 0;
}

std::expected<NetlinkMessage, SystemError> copied_state(Octets answer, const ChildSa& child,
                                                        Direction direction, std::uint32_t skipped,
                                                        std::uint32_t offload_interface) {
    return rewritten("NEWSA", XFRM_MSG_NEWSA, answer, child, direction, skipped, offload_interface);
}

std::expected<NetlinkMessage, SystemError> redirected_state(Octets answer, const ChildSa& child,
                                                            Direction direction) {
    return rewritten("UPDSA", XFRM_MSG_UPDSA, answer, child, direction, 0, 0);
}

} // namespace viaduct::xfrm
