#include "xfrm/state_message.h"

#include "xfrm/kernel_address.h"
#include "xfrm/kernel_algorithm.h"
#include "xfrm/state_flow.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <libmnl/libmnl.h>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkMessage;
using netns::SystemError;
using policy::ChildSa;

bool has_extended_sequence_numbers(const ChildSa& child) {
    return child.suite.sequence_numbers == policy::SequenceNumbers::extended;
}

/// Packets that the replay window holds. Nobody checks what goes out; the kernel refuses extended
/// sequence numbers without a window even so.
std::uint32_t replay_window(const ChildSa& child, Direction direction) {
    const std::uint32_t wanted = direction == Direction::inbound ? child.replay_window : 0;
    return has_extended_sequence_numbers(child) ? std::max(wanted, 32U) : wanted;
}

/// The old form of the window has 32 bits and no extended sequence numbers.
bool needs_long_window(const ChildSa& child, Direction direction) {
    return has_extended_sequence_numbers(child) || replay_window(child, direction) > 32;
}

xfrm_usersa_info state_info(const ChildSa& child, Direction direction) {
    const Flow flow = flow_of(child, direction);
    xfrm_usersa_info info{};
    info.id.daddr = kernel_address(flow.destination);
    info.id.spi = htonl(flow.spi);
    info.id.proto = IPPROTO_ESP;
    info.saddr = kernel_address(flow.source);
    // Zero means no limit for times, but not for bytes and packets.
    info.lft.soft_byte_limit = info.lft.hard_byte_limit = XFRM_INF;
    info.lft.soft_packet_limit = info.lft.hard_packet_limit = XFRM_INF;
    info.lft.hard_add_expires_seconds =
        static_cast<std::uint64_t>(std::max<std::chrono::seconds::rep>(child.lifetime.count(), 0));
    info.reqid = child.reqid;
    info.family = kernel_family(flow.source.family());
    info.mode = XFRM_MODE_TUNNEL;
    // The policies select, so that one state carries packets of both families.
    info.flags = XFRM_STATE_AF_UNSPEC;
    if (has_extended_sequence_numbers(child)) {
        info.flags |= XFRM_STATE_ESN;
    }
    if (!needs_long_window(child, direction)) {
        info.replay_window = static_cast<std::uint8_t>(replay_window(child, direction));
    }
    return info;
}

/// An algorithm attribute is a fixed part with the key directly behind it.
template <class Algorithm>
void put_algorithm(NetlinkMessage& message, std::uint16_t type, Algorithm fixed, const char* name,
                   const policy::Secret& key) {
    std::strncpy(fixed.alg_name, name, sizeof(fixed.alg_name) - 1);
    fixed.alg_key_len = static_cast<unsigned>(key.size() * 8);
    Botan::secure_vector<std::uint8_t> value(sizeof(fixed) + key.size());
    std::memcpy(value.data(), &fixed, sizeof(fixed));
    std::ranges::copy(key.expose(), value.begin() + sizeof(fixed));
    message.put_attribute(type, value);
}

/// Fails with the algorithm's name.
std::expected<void, SystemError> put_algorithms(NetlinkMessage& message, const ChildSa& child,
                                                const policy::EspKeys& keys) {
    const KernelEncryption* const encryption = kernel_algorithm(child.suite.encryption);
    const KernelIntegrity* const integrity = kernel_algorithm(child.suite.integrity);
    if (encryption == nullptr || (encryption->icv_bits == 0 && integrity == nullptr)) {
        return std::unexpected(SystemError{EOPNOTSUPP, message.description(),
                                           "no kernel algorithm for " + child.suite.to_string()});
    }
    if (encryption->icv_bits != 0) {
        xfrm_algo_aead aead{};
        aead.alg_icv_len = encryption->icv_bits;
        put_algorithm(message, XFRMA_ALG_AEAD, aead, encryption->name, keys.encryption);
        return {};
    }
    put_algorithm(message, XFRMA_ALG_CRYPT, xfrm_algo{}, encryption->name, keys.encryption);
    xfrm_algo_auth authentication{};
    authentication.alg_trunc_len = integrity->truncation_bits;
    put_algorithm(message, XFRMA_ALG_AUTH_TRUNC, authentication, integrity->name, keys.integrity);
    return {};
}

/// The bitmap itself may be left out; it starts empty.
void put_long_window(NetlinkMessage& message, std::uint32_t packets) {
    xfrm_replay_state_esn window{};
    window.bmp_len = (packets + 31) / 32;
    window.replay_window = packets;
    message.put_attribute_of(XFRMA_REPLAY_ESN_VAL, window);
}

std::string describe_algorithms(const ChildSa& child) {
    const KernelEncryption* const encryption = kernel_algorithm(child.suite.encryption);
    const KernelIntegrity* const integrity = kernel_algorithm(child.suite.integrity);
    if (encryption == nullptr) {
        return "enc (no kernel algorithm for " + child.suite.to_string() + ")";
    }
    if (encryption->icv_bits != 0) {
        return std::format("aead {} (key) {}", encryption->name, encryption->icv_bits);
    }
    return integrity == nullptr
               ? std::format("enc {} (key)", encryption->name)
               : std::format("auth-trunc {} (key) {} enc {} (key)", integrity->name,
                             integrity->truncation_bits, encryption->name);
}

} // namespace

std::expected<NetlinkMessage, SystemError> new_state(const ChildSa& child, Direction direction) {
    NetlinkMessage message(request_name("NEWSA", child, direction), XFRM_MSG_NEWSA,
                           NLM_F_REQUEST | NLM_F_ACK);
    const std::uint32_t window = replay_window(child, direction);
    if (window > XFRMA_REPLAY_ESN_MAX) {
        return std::unexpected(
            SystemError{EINVAL, message.description(),
                        std::format("a replay window holds {} packets at most, not {}",
                                    XFRMA_REPLAY_ESN_MAX, window)});
    }
    const Flow flow = flow_of(child, direction);
    message.put_fixed(state_info(child, direction));
    if (const auto known = put_algorithms(message, child, flow.keys); !known) {
        return std::unexpected(known.error());
    }
    if (needs_long_window(child, direction)) {
        put_long_window(message, window);
    }
    put_encapsulation(message, child, direction);
    if (child.if_id != 0) {
        message.put_attribute_of(XFRMA_IF_ID, child.if_id);
    }
    return message;
}

NetlinkMessage delete_state(const ChildSa& child, Direction direction) {
    NetlinkMessage message(request_name("DELSA", child, direction), XFRM_MSG_DELSA,
                           NLM_F_REQUEST | NLM_F_ACK);
    message.put_fixed(state_id(child, direction));
    return message;
}

NetlinkMessage query_state(const ChildSa& child, Direction direction) {
    NetlinkMessage message(request_name("GETAE", child, direction), XFRM_MSG_GETAE,
                           NLM_F_REQUEST | NLM_F_ACK);
    xfrm_aevent_id id{};
    id.sa_id = state_id(child, direction);
    id.saddr = kernel_address(flow_of(child, direction).source);
    message.put_fixed(id);
    return message;
}

std::optional<StateCounters> read_counters(std::span<const std::uint8_t> answer) {
    if (answer.size() < sizeof(nlmsghdr)) {
        return std::nullopt;
    }
    // Copied, since the octets may lie anywhere and the struct's members may not.
    std::vector<std::uint32_t> words((answer.size() + 3) / 4);
    std::memcpy(words.data(), answer.data(), answer.size());
    const auto* const head = reinterpret_cast<const nlmsghdr*>(words.data());
    if (!mnl_nlmsg_ok(head, static_cast<int>(answer.size())) ||
        head->nlmsg_type != XFRM_MSG_NEWAE ||
        mnl_nlmsg_get_payload_len(head) < sizeof(xfrm_aevent_id)) {
        return std::nullopt;
    }
    std::optional<StateCounters> counters;
    mnl_attr_parse(
        head, sizeof(xfrm_aevent_id),
        [](const nlattr* attribute, void* data) {
            xfrm_lifetime_cur current{};
            if (mnl_attr_get_type(attribute) == XFRMA_LTIME_VAL &&
                mnl_attr_get_payload_len(attribute) >= sizeof(current)) {
                std::memcpy(&current, mnl_attr_get_payload(attribute), sizeof(current));
                *static_cast<std::optional<StateCounters>*>(data) =
                    StateCounters{current.bytes, current.packets};
            }
            return MNL_CB_OK;
        },
        &counters);
    return counters;
}

std::string describe_state(const ChildSa& child, Direction direction) {
    const Flow flow = flow_of(child, direction);
    std::string text =
        std::format("ip xfrm state add src {} dst {} proto esp spi 0x{:08x} reqid {} mode tunnel "
                    "replay-window {} flag {} {}",
                    flow.source.to_string(), flow.destination.to_string(), flow.spi, child.reqid,
                    replay_window(child, direction),
                    has_extended_sequence_numbers(child) ? "af-unspec flag esn" : "af-unspec",
                    describe_algorithms(child));
    if (child.encapsulation) {
        text +=
            std::format(" encap espinudp {} {} 0.0.0.0", flow.source_port, flow.destination_port);
    }
    if (child.lifetime.count() > 0) {
        text += std::format(" limit time-hard {}", child.lifetime.count());
    }
    if (child.if_id != 0) {
        text += std::format(" if_id {}", child.if_id);
    }
    return text;
}

} // namespace viaduct::xfrm
