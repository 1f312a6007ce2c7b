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
/// sequence numbers without a window even so, unless it knows the direction: then it refuses one.
std::uint32_t replay_window(const ChildSa& child, Direction direction,
                            const KernelFeatures& features) {
    if (direction == Direction::outbound && features.sa_direction) {
        return 0;
    }
    const std::uint32_t wanted = direction == Direction::inbound ? child.replay_window : 0;
    return has_extended_sequence_numbers(child) ? std::max(wanted, 32U) : wanted;
}

/// The old form of the window has 32 bits and no extended sequence numbers.
bool needs_long_window(const ChildSa& child, std::uint32_t window) {
    return has_extended_sequence_numbers(child) || window > 32;
}

/// Zero is no limit to us; the kernel takes it for one, but for times.
std::uint64_t kernel_limit(std::uint64_t limit) {
    return limit == 0 ? XFRM_INF : limit;
}

xfrm_lifetime_cfg state_limits(const ChildSa& child) {
    xfrm_lifetime_cfg limits{};
    limits.soft_byte_limit = kernel_limit(child.soft_volume.bytes);
    limits.hard_byte_limit = kernel_limit(child.hard_volume.bytes);
    limits.soft_packet_limit = kernel_limit(child.soft_volume.packets);
    limits.hard_packet_limit = kernel_limit(child.hard_volume.packets);
    limits.hard_add_expires_seconds =
        static_cast<std::uint64_t>(std::max<std::chrono::seconds::rep>(child.lifetime.count(), 0));
    return limits;
}

/// How the headers are made in tunnel mode; in transport mode there is one header only.
std::uint8_t header_flags(const ChildSa& child, Direction direction) {
    if (child.mode == policy::EspMode::transport) {
        return 0;
    }
    // The policies select, so that one state carries packets of both families.
    std::uint8_t flags = XFRM_STATE_AF_UNSPEC;
    if (!child.header.copy_ecn) {
        flags |= XFRM_STATE_NOECN;
    }
    if (direction == Direction::inbound && child.header.copy_dscp_in) {
        flags |= XFRM_STATE_DECAP_DSCP;
    }
    if (direction == Direction::inbound) {
        // RFC 4301 section 6.2: errors about packets of the child come from routers on their way.
        flags |= XFRM_STATE_ICMP;
    }
    if (direction == Direction::outbound && !child.header.copy_df) {
        flags |= XFRM_STATE_NOPMTUDISC;
    }
    return flags;
}

std::uint32_t extra_flags(const ChildSa& child, Direction direction) {
    const bool clears_dscp = child.mode == policy::EspMode::tunnel &&
                             direction == Direction::outbound && !child.header.copy_dscp_out;
    return clears_dscp ? XFRM_SA_XFLAG_DONT_ENCAP_DSCP : 0;
}

xfrm_usersa_info state_info(const ChildSa& child, Direction direction, std::uint32_t window) {
    const Flow flow = flow_of(child, direction);
    xfrm_usersa_info info{};
    info.id.daddr = kernel_address(flow.destination);
    info.id.spi = htonl(flow.spi);
    info.id.proto = IPPROTO_ESP;
    info.saddr = kernel_address(flow.source);
    info.lft = state_limits(child);
    info.reqid = child.reqid;
    info.family = kernel_family(flow.source.family());
    info.mode = kernel_mode(child.mode);
    info.flags = header_flags(child, direction);
    if (has_extended_sequence_numbers(child)) {
        info.flags |= XFRM_STATE_ESN;
    }
    if (!needs_long_window(child, window)) {
        info.replay_window = static_cast<std::uint8_t>(window);
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

/// The direction, and what only a state that has one can have.
void put_direction(NetlinkMessage& message, const ChildSa& child, Direction direction,
                   const KernelFeatures& features) {
    if (!features.sa_direction) {
        return;
    }
    const bool out = direction == Direction::outbound;
    message.put_attribute_of(XFRMA_SA_DIR,
                             static_cast<std::uint8_t>(out ? XFRM_SA_DIR_OUT : XFRM_SA_DIR_IN));
    if (out && features.nat_keepalive && child.encapsulation && child.nat_keepalive.count() > 0) {
        message.put_attribute_of(XFRMA_NAT_KEEPALIVE_INTERVAL,
                                 static_cast<std::uint32_t>(child.nat_keepalive.count()));
    }
}

std::string describe_header(const ChildSa& child, Direction direction) {
    const std::uint8_t flags = header_flags(child, direction);
    std::string text;
    for (const auto& [flag, name] : std::initializer_list<std::pair<int, const char*>>{
             {XFRM_STATE_NOECN, " flag noecn"},
             {XFRM_STATE_DECAP_DSCP, " flag decap-dscp"},
             {XFRM_STATE_NOPMTUDISC, " flag nopmtudisc"},
             {XFRM_STATE_ICMP, " flag icmp"},
             {XFRM_STATE_AF_UNSPEC, " flag af-unspec"}}) {
        text += (flags & flag) != 0 ? name : "";
    }
    text += has_extended_sequence_numbers(child) ? " flag esn" : "";
    text += extra_flags(child, direction) != 0 ? " extra-flag dont-encap-dscp" : "";
    return text;
}

std::string describe_limits(const ChildSa& child) {
    std::string text;
    const auto append = [&](const char* name, std::uint64_t limit) {
        if (limit != 0) {
            text += std::format(" limit {} {}", name, limit);
        }
    };
    append("byte-soft", child.soft_volume.bytes);
    append("byte-hard", child.hard_volume.bytes);
    append("packet-soft", child.soft_volume.packets);
    append("packet-hard", child.hard_volume.packets);
    append("time-hard", static_cast<std::uint64_t>(
                            std::max<std::chrono::seconds::rep>(child.lifetime.count(), 0)));
    return text;
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

std::expected<NetlinkMessage, SystemError> new_state(const ChildSa& child, Direction direction,
                                                     const StatePlace& place) {
    NetlinkMessage message(request_name("NEWSA", child, direction), XFRM_MSG_NEWSA,
                           NLM_F_REQUEST | NLM_F_ACK);
    const std::uint32_t window = replay_window(child, direction, place.features);
    if (window > XFRMA_REPLAY_ESN_MAX) {
        return std::unexpected(
            SystemError{EINVAL, message.description(),
                        std::format("a replay window holds {} packets at most, not {}",
                                    XFRMA_REPLAY_ESN_MAX, window)});
    }
    const Flow flow = flow_of(child, direction);
    message.put_fixed(state_info(child, direction, window));
    if (const auto known = put_algorithms(message, child, flow.keys); !known) {
        return std::unexpected(known.error());
    }
    if (needs_long_window(child, window)) {
        put_long_window(message, window);
    }
    put_encapsulation(message, child, direction);
    if (child.if_id != 0) {
        message.put_attribute_of(XFRMA_IF_ID, child.if_id);
    }
    if (const std::uint32_t flags = extra_flags(child, direction); flags != 0) {
        message.put_attribute_of(XFRMA_SA_EXTRA_FLAGS, flags);
    }
    put_direction(message, child, direction, place.features);
    put_offload(message, child, direction, place.offload_interface);
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
        std::format("ip xfrm state add src {} dst {} proto esp spi 0x{:08x} reqid {} mode {} "
                    "replay-window {}{} {}",
                    flow.source.to_string(), flow.destination.to_string(), flow.spi, child.reqid,
                    mode_name(child.mode), replay_window(child, direction, {}),
                    describe_header(child, direction), describe_algorithms(child));
    if (child.encapsulation) {
        text +=
            std::format(" encap espinudp {} {} 0.0.0.0", flow.source_port, flow.destination_port);
    }
    text += describe_limits(child);
    if (child.if_id != 0) {
        text += std::format(" if_id {}", child.if_id);
    }
    return text;
}

} // namespace viaduct::xfrm
