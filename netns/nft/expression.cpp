#include "netns/nft/expression.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <bit>
#include <libnftnl/expr.h>
#include <new>

namespace viaduct::netns::nft {
namespace {

using policy::AddressFamily;

/// The loopback interface has this index in every namespace.
constexpr std::array<std::uint8_t, 4> loopback_index =
    std::bit_cast<std::array<std::uint8_t, 4>>(1);

struct AddressPlace {
    std::uint32_t source_offset, destination_offset, length;
};

/// Where a network header holds its addresses (RFC 791 section 3.1, RFC 8200 section 3).
constexpr AddressPlace place_of(AddressFamily family) {
    return family == AddressFamily::ipv4 ? AddressPlace{12, 16, 4} : AddressPlace{8, 24, 16};
}

} // namespace

void ExpressionFree::operator()(nftnl_expr* expression) const {
    nftnl_expr_free(expression);
}

Expressions& Expressions::family(AddressFamily family) {
    const std::uint8_t wanted = family == AddressFamily::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    load_meta(NFT_META_NFPROTO);
    compare({&wanted, 1});
    return *this;
}

Expressions& Expressions::protocol(std::uint8_t protocol) {
    load_meta(NFT_META_L4PROTO);
    compare({&protocol, 1});
    return *this;
}

Expressions& Expressions::source_port(std::uint16_t port) {
    const std::array<std::uint8_t, 2> wanted{static_cast<std::uint8_t>(port >> 8),
                                             static_cast<std::uint8_t>(port & 0xff)};
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, NFT_REG_1);
    compare(wanted);
    return *this;
}

Expressions& Expressions::destination_port(std::uint16_t port) {
    const std::array<std::uint8_t, 2> wanted{static_cast<std::uint8_t>(port >> 8),
                                             static_cast<std::uint8_t>(port & 0xff)};
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
    compare(wanted);
    return *this;
}

Expressions& Expressions::icmpv6_type(std::uint8_t first, std::uint8_t last) {
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, NFT_REG_1);
    nftnl_expr* const expression = add("range");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
    nftnl_expr_set(expression, NFTNL_EXPR_RANGE_FROM_DATA, &first, sizeof(first));
    nftnl_expr_set(expression, NFTNL_EXPR_RANGE_TO_DATA, &last, sizeof(last));
    return *this;
}

Expressions& Expressions::from_loopback() {
    load_meta(NFT_META_IIF);
    compare(loopback_index);
    return *this;
}

Expressions& Expressions::to_loopback() {
    load_meta(NFT_META_OIF);
    compare(loopback_index);
    return *this;
}

Expressions& Expressions::will_be_encrypted(bool wanted) {
    nftnl_expr* const expression = add("rt");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RT_KEY, NFT_RT_XFRM);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RT_DREG, NFT_REG_1);
    const std::uint8_t value = wanted ? 1 : 0;
    compare({&value, 1});
    return *this;
}

Expressions& Expressions::was_decrypted(bool wanted) {
    load_meta(NFT_META_SECPATH);
    const std::uint8_t value = wanted ? 1 : 0;
    compare({&value, 1});
    return *this;
}

Expressions& Expressions::address_pair_in(const AddressPairSet& set) {
    const AddressPlace place = place_of(set.family);
    // The second address goes directly behind the first: register 1 is 16 octets, which also have
    // numbers of their own, 4 octets each.
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, place.source_offset, place.length, NFT_REG_1);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, place.destination_offset, place.length,
                 set.family == AddressFamily::ipv4 ? NFT_REG32_01 : NFT_REG_2);
    nftnl_expr* const expression = add("lookup");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set.name.c_str());
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, set.id);
    return *this;
}

Expressions& Expressions::snat_to_own_source(AddressFamily family) {
    const AddressPlace place = place_of(family);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, place.source_offset, place.length, NFT_REG_1);
    nftnl_expr* const expression = add("nat");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_FAMILY,
                       family == AddressFamily::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
    return *this;
}

Expressions& Expressions::counter() {
    add("counter");
    return *this;
}

Expressions& Expressions::drop() {
    verdict(NF_DROP);
    return *this;
}

Expressions& Expressions::accept() {
    verdict(NF_ACCEPT);
    return *this;
}

nftnl_expr* Expressions::add(const char* name) {
    Expression expression(nftnl_expr_alloc(name));
    if (!expression) {
        throw std::bad_alloc();
    }
    return parts_.emplace_back(std::move(expression)).get();
}

void Expressions::load_meta(std::uint32_t key) {
    nftnl_expr* const expression = add("meta");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void Expressions::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                               std::uint32_t reg) {
    nftnl_expr* const expression = add("payload");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, reg);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, length);
}

void Expressions::compare(std::span<const std::uint8_t> octets) {
    nftnl_expr* const expression = add("cmp");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, octets.data(),
                   static_cast<std::uint32_t>(octets.size()));
}

void Expressions::verdict(int code) {
    nftnl_expr* const expression = add("immediate");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
}

} // namespace viaduct::netns::nft
