#include "xfrm/fingerprint.h"

#include "policy/child_sa.h"
#include "policy/ip_address.h"
#include "xfrm/attribute_view.h"
#include "xfrm/policy_message.h"
#include "xfrm/told_keys.h"

#include <botan/hash.h>

#include <linux/netlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <format>
#include <memory>
#include <utility>

namespace viaduct::xfrm {
namespace {

using Octets = std::span<const std::uint8_t>;

/// The part behind the header of a message of one of two types.
std::optional<Octets> body_of(Octets message, std::uint16_t type, std::uint16_t other) {
    const auto head = read_fixed<nlmsghdr>(message);
    if (!head || head->nlmsg_len > message.size() || head->nlmsg_len < NLMSG_HDRLEN ||
        (head->nlmsg_type != type && head->nlmsg_type != other)) {
        return std::nullopt;
    }
    return message.first(head->nlmsg_len).subspan(NLMSG_HDRLEN);
}

/// The attributes behind the fixed part.
template <class Fixed> Octets behind(Octets body) {
    return body.subspan(std::min<std::size_t>(body.size(), NLMSG_ALIGN(sizeof(Fixed))));
}

std::optional<Octets> value_of(const AttributeViews& attributes, std::uint16_t type) {
    const auto entry = attributes.find(type);
    return entry == attributes.end() ? std::nullopt : std::optional(entry->second);
}

template <class Fixed> Octets octets_of(const Fixed& fixed) {
    return {reinterpret_cast<const std::uint8_t*>(&fixed), sizeof(fixed)};
}

/// Each part with its length in front, so that no two lists of parts are the same octets.
class Digest {
public:
    Digest() : hash_(Botan::HashFunction::create_or_throw("SHA-256")) {}

    void put(Octets part) {
        const auto length = static_cast<std::uint32_t>(part.size());
        hash_->update(octets_of(length));
        hash_->update(part);
    }
    template <class Number> void put_number(Number number) { put(octets_of(number)); }
    /// Absent is something else than empty.
    void put_if(std::optional<Octets> value) {
        put_number(static_cast<std::uint8_t>(value.has_value()));
        if (value) {
            put(*value);
        }
    }
    void put_attribute(const AttributeViews& attributes, std::uint16_t type) {
        put_if(value_of(attributes, type));
    }
    Fingerprint take() {
        Fingerprint result{};
        hash_->final(result);
        return result;
    }

private:
    std::unique_ptr<Botan::HashFunction> hash_;
};

template <class Fixed>
std::optional<Fixed> attribute_of(const AttributeViews& attributes, std::uint16_t type) {
    const auto entry = attributes.find(type);
    return entry == attributes.end() ? std::nullopt : read_fixed<Fixed>(entry->second);
}

void append(KernelKey& key, Octets part) {
    key.octets.insert(key.octets.end(), part.begin(), part.end());
}

/// Only as much as belongs to the family; what lies behind is nobody's.
Octets address_octets(const xfrm_address_t& address, std::uint16_t family) {
    return octets_of(address).first(family == AF_INET6 ? 16 : 4);
}

std::string address_text(const xfrm_address_t& address, std::uint16_t family) {
    const Octets octets = address_octets(address, family);
    return (family == AF_INET6 ? policy::IpAddress::v6(octets.first<16>())
                               : policy::IpAddress::v4(octets.first<4>()))
        .to_string();
}

/// The window's size. How far it has come is no part of a fingerprint, and the kernel tells it in
/// one of two forms.
std::uint32_t replay_window(const xfrm_usersa_info& info, const AttributeViews& attributes) {
    // xfrm_replay_state_esn ends in an array that may not stand inside another object.
    using Numbers =
        std::array<std::uint32_t, sizeof(xfrm_replay_state_esn) / sizeof(std::uint32_t)>;
    const auto window = attribute_of<Numbers>(attributes, XFRMA_REPLAY_ESN_VAL);
    constexpr auto size_at = offsetof(xfrm_replay_state_esn, replay_window) / sizeof(std::uint32_t);
    return window ? (*window)[size_at] : info.replay_window;
}

void put_encapsulation(Digest& digest, const AttributeViews& attributes) {
    const auto encapsulation = attribute_of<xfrm_encap_tmpl>(attributes, XFRMA_ENCAP);
    digest.put_number(static_cast<std::uint8_t>(encapsulation.has_value()));
    if (encapsulation) {
        digest.put_number(encapsulation->encap_type);
        digest.put_number(encapsulation->encap_sport);
        digest.put_number(encapsulation->encap_dport);
    }
}

/// The limits that a state or policy was given; what it has counted is something else.
void put_limits(Digest& digest, const xfrm_lifetime_cfg& limits) {
    for (const std::uint64_t limit :
         {limits.soft_byte_limit, limits.hard_byte_limit, limits.soft_packet_limit,
          limits.hard_packet_limit, limits.soft_add_expires_seconds,
          limits.hard_add_expires_seconds, limits.soft_use_expires_seconds,
          limits.hard_use_expires_seconds}) {
        digest.put_number(limit);
    }
}

/// Of the packets that a state takes. Its family is left out: the kernel fills it in.
void put_state_selector(Digest& digest, const xfrm_selector& selector) {
    digest.put_number(selector.saddr);
    digest.put_number(selector.daddr);
    digest.put_number(selector.prefixlen_s);
    digest.put_number(selector.prefixlen_d);
    digest.put_number(selector.proto);
    digest.put_number(selector.sport);
    digest.put_number(selector.sport_mask);
    digest.put_number(selector.dport);
    digest.put_number(selector.dport_mask);
}

Fingerprint print_of(const xfrm_usersa_info& info, const AttributeViews& attributes) {
    Digest digest;
    digest.put(address_octets(info.saddr, info.family));
    digest.put_number(info.mode);
    digest.put_number(static_cast<std::uint32_t>(info.reqid));
    digest.put_number(info.flags);
    digest.put_number(replay_window(info, attributes));
    put_limits(digest, info.lft);
    put_state_selector(digest, info.sel);
    put_encapsulation(digest, attributes);
    for (const std::uint16_t type : keyed_attributes) {
        digest.put_if(value_of(attributes, type).transform([&](Octets value) {
            return value.first(value.size() - key_in(type, value).size());
        }));
    }
    // Whether hardware took the state over is the driver's to say: XFRMA_OFFLOAD_DEV is not among
    // them.
    for (const std::uint16_t type :
         {XFRMA_ALG_COMP, XFRMA_IF_ID, XFRMA_MARK, XFRMA_SET_MARK, XFRMA_SET_MARK_MASK,
          XFRMA_TFCPAD, XFRMA_SA_EXTRA_FLAGS, XFRMA_SA_DIR, XFRMA_NAT_KEEPALIVE_INTERVAL}) {
        digest.put_attribute(attributes, type);
    }
    return digest.take();
}

std::optional<Fingerprint> keys_of(const AttributeViews& attributes) {
    if (shows_no_key(attributes)) {
        return std::nullopt;
    }
    Digest digest;
    for (const std::uint16_t type : keyed_attributes) {
        digest.put_if(value_of(attributes, type).transform([&](Octets value) {
            return key_in(type, value);
        }));
    }
    return digest.take();
}

const char* direction_name(std::uint8_t direction) {
    switch (direction) {
    case XFRM_POLICY_IN: return "in";
    case XFRM_POLICY_OUT: return "out";
    default: return "fwd";
    }
}

/// Which packets a selector is about, and nothing that the kernel fills in by itself.
void append_selector(KernelKey& key, const xfrm_selector& selector) {
    append(key, octets_of(selector.family));
    append(key, address_octets(selector.saddr, selector.family));
    append(key, address_octets(selector.daddr, selector.family));
    append(key, octets_of(selector.prefixlen_s));
    append(key, octets_of(selector.prefixlen_d));
    append(key, octets_of(selector.proto));
    append(key, octets_of(selector.sport));
    append(key, octets_of(selector.sport_mask));
    append(key, octets_of(selector.dport));
    append(key, octets_of(selector.dport_mask));
}

void put_template(Digest& digest, const xfrm_user_tmpl& each) {
    // A template in transport mode has no addresses, which the kernel does not clear.
    if (each.mode != XFRM_MODE_TRANSPORT) {
        digest.put_number(each.family);
        digest.put(address_octets(each.saddr, each.family));
        digest.put(address_octets(each.id.daddr, each.family));
    }
    digest.put_number(each.id.proto);
    digest.put_number(each.id.spi);
    digest.put_number(each.reqid);
    digest.put_number(each.mode);
    digest.put_number(each.share);
    digest.put_number(each.optional);
    digest.put_number(each.aalgos);
    digest.put_number(each.ealgos);
    digest.put_number(each.calgos);
}

} // namespace

KernelKey key_of(const xfrm_usersa_id& id) {
    KernelKey key;
    append(key, octets_of(id.family));
    append(key, address_octets(id.daddr, id.family));
    append(key, octets_of(id.spi));
    append(key, octets_of(id.proto));
    return key;
}

KernelKey key_of(const xfrm_userpolicy_id& id, std::uint32_t if_id) {
    KernelKey key;
    append(key, octets_of(id.dir));
    append_selector(key, id.sel);
    append(key, octets_of(if_id));
    return key;
}

bool is_same(const ListedState& listed, const ListedState& wanted) {
    return listed.print == wanted.print &&
           (!listed.keys || !wanted.keys || *listed.keys == *wanted.keys);
}

bool is_same(const ListedPolicy& listed, const ListedPolicy& wanted) {
    return listed.print == wanted.print;
}

std::optional<ListedState> read_state_message(Octets message) {
    const auto body = body_of(message, XFRM_MSG_NEWSA, XFRM_MSG_UPDSA);
    const auto info = body ? read_fixed<xfrm_usersa_info>(*body) : std::nullopt;
    if (!info) {
        return std::nullopt;
    }
    const auto attributes = read_attributes(behind<xfrm_usersa_info>(*body));
    ListedState state;
    state.id.daddr = info->id.daddr;
    state.id.spi = info->id.spi;
    state.id.family = info->family;
    state.id.proto = info->id.proto;
    state.key = key_of(state.id);
    state.print = print_of(*info, attributes);
    state.keys = keys_of(attributes);
    state.spi = ntohl(info->id.spi);
    state.reqid = info->reqid;
    state.name = std::format("{} -> {} spi 0x{:08x}", address_text(info->saddr, info->family),
                             address_text(info->id.daddr, info->family), state.spi);
    return state;
}

std::optional<ListedPolicy> read_policy_message(Octets message) {
    const auto body = body_of(message, XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY);
    const auto info = body ? read_fixed<xfrm_userpolicy_info>(*body) : std::nullopt;
    if (!info || info->dir >= XFRM_POLICY_MAX) {
        return std::nullopt;
    }
    const auto attributes = read_attributes(behind<xfrm_userpolicy_info>(*body));
    ListedPolicy policy;
    policy.id.sel = info->sel;
    policy.id.dir = info->dir;
    policy.if_id = attribute_of<std::uint32_t>(attributes, XFRMA_IF_ID).value_or(0);
    policy.key = key_of(policy.id, policy.if_id);
    Digest digest;
    digest.put_number(info->priority);
    digest.put_number(info->action);
    digest.put_number(info->flags);
    put_limits(digest, info->lft);
    digest.put_attribute(attributes, XFRMA_MARK);
    // The flags that the kernel tells are not those that it was given.
    const auto offload = attribute_of<xfrm_user_offload>(attributes, XFRMA_OFFLOAD_DEV);
    digest.put_number(offload ? offload->ifindex : 0);
    const auto templates = attributes.find(XFRMA_TMPL);
    bool first = true;
    for (auto rest = templates == attributes.end() ? Octets{} : templates->second;
         const auto each = read_fixed<xfrm_user_tmpl>(rest); rest = rest.subspan(sizeof(*each))) {
        put_template(digest, *each);
        policy.reqid = std::exchange(first, false) ? each->reqid : policy.reqid;
    }
    policy.ours = first ? passes_neighbour_discovery(*info) : policy::is_our_reqid(policy.reqid);
    policy.print = digest.take();
    policy.name =
        std::format("{} {}/{} -> {}/{}", direction_name(info->dir),
                    address_text(info->sel.saddr, info->sel.family), info->sel.prefixlen_s,
                    address_text(info->sel.daddr, info->sel.family), info->sel.prefixlen_d);
    return policy;
}

std::optional<KernelKey> state_named_in(Octets message) {
    const auto body = body_of(message, XFRM_MSG_DELSA, XFRM_MSG_GETSA);
    const auto id = body ? read_fixed<xfrm_usersa_id>(*body) : std::nullopt;
    return id ? std::optional(key_of(*id)) : std::nullopt;
}

std::optional<KernelKey> policy_named_in(Octets message) {
    const auto body = body_of(message, XFRM_MSG_DELPOLICY, XFRM_MSG_GETPOLICY);
    const auto id = body ? read_fixed<xfrm_userpolicy_id>(*body) : std::nullopt;
    if (!id) {
        return std::nullopt;
    }
    const auto attributes = read_attributes(behind<xfrm_userpolicy_id>(*body));
    return key_of(*id, attribute_of<std::uint32_t>(attributes, XFRMA_IF_ID).value_or(0));
}

} // namespace viaduct::xfrm
