#include "netns/nft/expression.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

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

/// The second address goes directly behind the first: register 1 is 16 octets, which also have
/// numbers of their own, 4 octets each.
constexpr std::uint32_t second_register(AddressFamily family) {
    return family == AddressFamily::ipv4 ? NFT_REG32_01 : NFT_REG_2;
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

Expressions& Expressions::hop_limit(std::uint8_t limit) {
    // Its place in the header: RFC 8200 section 3.
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, 7, 1, NFT_REG_1);
    compare({&limit, 1});
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

Expressions& Expressions::from_interface_in(const InterfaceSet& set) {
    load_meta(NFT_META_IIFNAME);
    look_up(set.name, set.id);
    return *this;
}

Expressions& Expressions::to_interface_in(const InterfaceSet& set) {
    load_meta(NFT_META_OIFNAME);
    look_up(set.name, set.id);
    return *this;
}

Expressions& Expressions::to_interface_not_in(const InterfaceSet& set) {
    to_interface_in(set);
    nftnl_expr_set_u32(parts_.back().get(), NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    return *this;
}

Expressions& Expressions::will_be_encrypted(bool wanted) {
    load_rt(NFT_RT_XFRM);
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

Expressions& Expressions::source_is_local() {
    constexpr auto local = std::bit_cast<std::array<std::uint8_t, 4>>(std::uint32_t{RTN_LOCAL});
    nftnl_expr* const expression = add("fib");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
    compare(local);
    return *this;
}

Expressions& Expressions::source_was_mapped() {
    constexpr auto mapped = std::bit_cast<std::array<std::uint8_t, 4>>(std::uint32_t{IPS_SRC_NAT});
    constexpr std::array<std::uint8_t, 4> none{};
    load_ct(NFT_CT_STATUS, NFT_REG_1);
    keep_bits(mapped);
    differ(none);
    return *this;
}

Expressions& Expressions::address_pair_in(const AddressPairSet& set) {
    family(set.family);
    load_address_pair(set.family);
    look_up(set.name, set.id);
    return *this;
}

Expressions& Expressions::original_pair_in(const AddressPairSet& set) {
    const bool ipv4 = set.family == AddressFamily::ipv4;
    // The keys without a family's number would take their length from the table's family.
    load_ct(ipv4 ? NFT_CT_SRC_IP : NFT_CT_SRC_IP6, NFT_REG_1);
    load_ct(ipv4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6, second_register(set.family));
    look_up(set.name, set.id);
    return *this;
}

Expressions& Expressions::jump_by_address_pair(const AddressPairSet& map) {
    address_pair_in(map);
    nftnl_expr_set_u32(parts_.back().get(), NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
    return *this;
}

Expressions& Expressions::tcp_syn() {
    constexpr std::uint8_t syn = 0x02;
    constexpr std::uint8_t syn_or_rst = 0x06;
    constexpr std::uint32_t flags_offset = 13;
    protocol(IPPROTO_TCP);
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, flags_offset, 1, NFT_REG_1);
    keep_bits({&syn_or_rst, 1});
    // The default, which nft(8) says here and not elsewhere.
    nftnl_expr_set_u32(parts_.back().get(), NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    compare({&syn, 1});
    return *this;
}

Expressions& Expressions::segment_from_route() {
    load_rt(NFT_RT_TCPMSS);
    nftnl_expr* const order = add("byteorder");
    nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
    nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
    nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
    nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_LEN, 2);
    nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SIZE, 2);
    write_segment();
    return *this;
}

Expressions& Expressions::segment(std::uint16_t octets) {
    const std::array<std::uint8_t, 2> wire{static_cast<std::uint8_t>(octets >> 8),
                                           static_cast<std::uint8_t>(octets & 0xff)};
    nftnl_expr* const expression = add("immediate");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
    nftnl_expr_set(expression, NFTNL_EXPR_IMM_DATA, wire.data(), wire.size());
    write_segment();
    return *this;
}

Expressions& Expressions::snat_to_own_source(AddressFamily family) {
    map_to_itself(NFT_NAT_SNAT, family, place_of(family).source_offset);
    return *this;
}

Expressions& Expressions::dnat_to_own_destination(AddressFamily family) {
    map_to_itself(NFT_NAT_DNAT, family, place_of(family).destination_offset);
    return *this;
}

Expressions& Expressions::count_in(const std::string& counter) {
    nftnl_expr* const expression = add("objref");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
    nftnl_expr_set_str(expression, NFTNL_EXPR_OBJREF_IMM_NAME, counter.c_str());
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

void Expressions::load_rt(std::uint32_t key) {
    nftnl_expr* const expression = add("rt");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RT_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_RT_DREG, NFT_REG_1);
}

void Expressions::load_ct(std::uint32_t key, std::uint32_t reg) {
    nftnl_expr* const expression = add("ct");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_DREG, reg);
    if (key != NFT_CT_STATUS) {
        nftnl_expr_set_u8(expression, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
    }
}

void Expressions::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                               std::uint32_t reg) {
    nftnl_expr* const expression = add("payload");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, reg);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, length);
}

void Expressions::load_address_pair(AddressFamily family) {
    const AddressPlace place = place_of(family);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, place.source_offset, place.length, NFT_REG_1);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, place.destination_offset, place.length,
                 second_register(family));
}

void Expressions::look_up(const std::string& set, std::uint32_t id) {
    nftnl_expr* const expression = add("lookup");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set.c_str());
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, id);
}

void Expressions::keep_bits(std::span<const std::uint8_t> mask) {
    constexpr std::array<std::uint8_t, 4> none{};
    const auto length = static_cast<std::uint32_t>(mask.size());
    nftnl_expr* const expression = add("bitwise");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, length);
    nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_MASK, mask.data(), length);
    nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_XOR, none.data(), length);
}

void Expressions::compare(std::span<const std::uint8_t> octets) {
    compare(NFT_CMP_EQ, octets);
}

void Expressions::differ(std::span<const std::uint8_t> octets) {
    compare(NFT_CMP_NEQ, octets);
}

void Expressions::compare(std::uint32_t operation, std::span<const std::uint8_t> octets) {
    nftnl_expr* const expression = add("cmp");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, octets.data(),
                   static_cast<std::uint32_t>(octets.size()));
}

void Expressions::write_segment() {
    // RFC 9293 section 3.7.1: kind 2, length 4, then the size.
    constexpr std::uint8_t maximum_segment_size = 2;
    nftnl_expr* const expression = add("exthdr");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
    nftnl_expr_set_u8(expression, NFTNL_EXPR_EXTHDR_TYPE, maximum_segment_size);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_OFFSET, 2);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_LEN, 2);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
}

void Expressions::map_to_itself(std::uint32_t type, AddressFamily family, std::uint32_t offset) {
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, place_of(family).length, NFT_REG_1);
    nftnl_expr* const expression = add("nat");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_TYPE, type);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_FAMILY,
                       family == AddressFamily::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
}

void Expressions::verdict(int code) {
    nftnl_expr* const expression = add("immediate");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
}

} // namespace viaduct::netns::nft
