#include "netns/nft/rule_message.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <memory>
#include <new>
#include <ranges>

namespace viaduct::netns::nft {
namespace {

/// libnftnl writes without asking how much room there is: more than the longest message needs.
using Room = std::array<char, 131072>;

/// nft(8)'s numbers for the types of a set's key, which it reads back to show the set.
constexpr std::uint32_t nft_type_ipv4_addr = 7;
constexpr std::uint32_t nft_type_ipv6_addr = 8;
constexpr std::uint32_t nft_type_bits = 6;

template <auto Free> struct Release {
    template <class Object> void operator()(Object* object) const { Free(object); }
};
using Table = std::unique_ptr<nftnl_table, Release<nftnl_table_free>>;
using Chain = std::unique_ptr<nftnl_chain, Release<nftnl_chain_free>>;
using Set = std::unique_ptr<nftnl_set, Release<nftnl_set_free>>;
using Rule = std::unique_ptr<nftnl_rule, Release<nftnl_rule_free>>;

template <class Owner> Owner owned(typename Owner::pointer object) {
    if (object == nullptr) {
        throw std::bad_alloc();
    }
    return Owner(object);
}

/// Lets `write` fill in the payload behind a header of the `inet` family.
template <class Write>
NetlinkMessage message(const std::string& description, std::uint16_t type, std::uint16_t flags,
                       const Write& write) {
    const auto room = std::make_unique<Room>();
    nlmsghdr* const head = nftnl_nlmsg_build_hdr(room->data(), type, NFPROTO_INET,
                                                 static_cast<std::uint16_t>(flags | NLM_F_ACK), 0);
    write(head);
    return {description, {reinterpret_cast<const std::uint8_t*>(head), head->nlmsg_len}};
}

std::uint32_t address_length(policy::AddressFamily family) {
    return family == policy::AddressFamily::ipv4 ? 4 : 16;
}

Set allocate_set(const std::string& table, const AddressPairSet& set) {
    Set object = owned<Set>(nftnl_set_alloc());
    nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table.c_str());
    nftnl_set_set_str(object.get(), NFTNL_SET_NAME, set.name.c_str());
    nftnl_set_set_u32(object.get(), NFTNL_SET_ID, set.id);
    return object;
}

/// Two addresses one behind the other, as the registers hold them.
std::vector<std::uint8_t> key_of(const policy::IpAddress& source,
                                 const policy::IpAddress& destination) {
    std::vector<std::uint8_t> key(source.octets().begin(), source.octets().end());
    key.insert(key.end(), destination.octets().begin(), destination.octets().end());
    return key;
}

void add_element(nftnl_set* set, const AddressPairRange& range) {
    const auto start = key_of(range.source_start, range.destination_start);
    const auto end = key_of(range.source_end, range.destination_end);
    nftnl_set_elem* const element = nftnl_set_elem_alloc();
    if (element == nullptr) {
        throw std::bad_alloc();
    }
    const auto length = static_cast<std::uint32_t>(start.size());
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, start.data(), length);
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY_END, end.data(), length);
    nftnl_set_elem_add(set, element);
}

NetlinkMessage table_message(const std::string& verb, std::uint16_t type, std::uint16_t flags,
                             const std::string& table) {
    const Table object = owned<Table>(nftnl_table_alloc());
    nftnl_table_set_u32(object.get(), NFTNL_TABLE_FAMILY, NFPROTO_INET);
    nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table.c_str());
    return message(verb + " table inet " + table, type, flags,
                   [&](nlmsghdr* head) { nftnl_table_nlmsg_build_payload(head, object.get()); });
}

} // namespace

NetlinkMessage begin_transaction() {
    std::array<char, 64> room{};
    const nlmsghdr* const head = nftnl_batch_begin(room.data(), 0);
    return {"nftables transaction", {reinterpret_cast<const std::uint8_t*>(head), head->nlmsg_len}};
}

NetlinkMessage end_transaction() {
    std::array<char, 64> room{};
    const nlmsghdr* const head = nftnl_batch_end(room.data(), 0);
    return {"end of the nftables transaction",
            {reinterpret_cast<const std::uint8_t*>(head), head->nlmsg_len}};
}

NetlinkMessage add_table(const std::string& table) {
    return table_message("add", NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
}

NetlinkMessage delete_table(const std::string& table) {
    return table_message("delete", NFT_MSG_DELTABLE, 0, table);
}

NetlinkMessage get_table(const std::string& table) {
    return table_message("get", NFT_MSG_GETTABLE, 0, table);
}

NetlinkMessage add_chain(const std::string& table, const BaseChain& chain) {
    const Chain object = owned<Chain>(nftnl_chain_alloc());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table.c_str());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, chain.type.c_str());
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, chain.hook);
    nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.priority);
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
    return message("add chain inet " + table + " " + chain.name + " of type " + chain.type,
                   NFT_MSG_NEWCHAIN, NLM_F_CREATE,
                   [&](nlmsghdr* head) { nftnl_chain_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage add_set(const std::string& table, const AddressPairSet& set) {
    const std::uint32_t length = address_length(set.family);
    const std::uint32_t type =
        set.family == policy::AddressFamily::ipv4 ? nft_type_ipv4_addr : nft_type_ipv6_addr;
    const std::array<std::uint8_t, 2> fields{static_cast<std::uint8_t>(length),
                                             static_cast<std::uint8_t>(length)};
    const Set object = allocate_set(table, set);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, NFT_SET_INTERVAL | NFT_SET_CONCAT);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, type << nft_type_bits | type);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, 2 * length);
    nftnl_set_set_data(object.get(), NFTNL_SET_DESC_CONCAT, fields.data(), fields.size());
    return message("add set inet " + table + " " + set.name, NFT_MSG_NEWSET, NLM_F_CREATE,
                   [&](nlmsghdr* head) { nftnl_set_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage add_elements(const std::string& table, const AddressPairSet& set,
                            std::span<const AddressPairRange> ranges) {
    const Set object = allocate_set(table, set);
    for (const AddressPairRange& range : ranges | std::views::take(most_elements)) {
        add_element(object.get(), range);
    }
    return message(
        "add elements to set inet " + table + " " + set.name, NFT_MSG_NEWSETELEM, NLM_F_CREATE,
        [&](nlmsghdr* head) { nftnl_set_elems_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage add_rule(const std::string& table, const std::string& chain,
                        const std::string& description, std::vector<Expression> expressions) {
    const Rule object = owned<Rule>(nftnl_rule_alloc());
    nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table.c_str());
    nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain.c_str());
    for (Expression& expression : expressions) {
        nftnl_rule_add_expr(object.get(), expression.release());
    }
    return message("add rule inet " + table + " " + chain + ": " + description, NFT_MSG_NEWRULE,
                   NLM_F_CREATE | NLM_F_APPEND,
                   [&](nlmsghdr* head) { nftnl_rule_nlmsg_build_payload(head, object.get()); });
}

} // namespace viaduct::netns::nft
