#include "netns/nft/rule_message.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
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
constexpr std::uint32_t nft_type_ifname = 41;
constexpr std::uint32_t nft_type_bits = 6;
constexpr std::uint32_t nft_host_byte_order = 1;
/// With the NUL, as the kernel holds it.
constexpr std::size_t interface_name_length = 16;

template <auto Free> struct Release {
    template <class Object> void operator()(Object* object) const { Free(object); }
};
using Table = std::unique_ptr<nftnl_table, Release<nftnl_table_free>>;
using Chain = std::unique_ptr<nftnl_chain, Release<nftnl_chain_free>>;
using Set = std::unique_ptr<nftnl_set, Release<nftnl_set_free>>;
using Rule = std::unique_ptr<nftnl_rule, Release<nftnl_rule_free>>;
using Counter = std::unique_ptr<nftnl_obj, Release<nftnl_obj_free>>;
using UserData = std::unique_ptr<nftnl_udata_buf, Release<nftnl_udata_buf_free>>;

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

template <class Named> Set allocate_set(const std::string& table, const Named& set) {
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

void put_element(nftnl_set* set, const AddressPairRange& range) {
    const auto start = key_of(range.source_start, range.destination_start);
    const auto end = key_of(range.source_end, range.destination_end);
    nftnl_set_elem* const element = nftnl_set_elem_alloc();
    if (element == nullptr) {
        throw std::bad_alloc();
    }
    const auto length = static_cast<std::uint32_t>(start.size());
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, start.data(), length);
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY_END, end.data(), length);
    if (!range.chain.empty()) {
        nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_VERDICT,
                               static_cast<std::uint32_t>(NFT_JUMP));
        nftnl_set_elem_set_str(element, NFTNL_SET_ELEM_CHAIN, range.chain.c_str());
    }
    nftnl_set_elem_add(set, element);
}

NetlinkMessage elements_message(const std::string& verb, std::uint16_t type, std::uint16_t flags,
                                const std::string& table, const AddressPairSet& set,
                                std::span<const AddressPairRange> ranges) {
    const Set object = allocate_set(table, set);
    for (const AddressPairRange& range : ranges | std::views::take(most_elements)) {
        put_element(object.get(), range);
    }
    return message(verb + " set inet " + table + " " + set.name, type, flags, [&](nlmsghdr* head) {
        nftnl_set_elems_nlmsg_build_payload(head, object.get());
    });
}

NetlinkMessage set_message(const std::string& table, const AddressPairSet& set,
                           std::uint32_t kind) {
    const std::uint32_t length = address_length(set.family);
    const std::uint32_t type =
        set.family == policy::AddressFamily::ipv4 ? nft_type_ipv4_addr : nft_type_ipv6_addr;
    const std::array<std::uint8_t, 2> fields{static_cast<std::uint8_t>(length),
                                             static_cast<std::uint8_t>(length)};
    const Set object = allocate_set(table, set);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, kind | NFT_SET_INTERVAL | NFT_SET_CONCAT);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, type << nft_type_bits | type);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, 2 * length);
    if (kind == NFT_SET_MAP) {
        nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
        nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, 0);
    }
    nftnl_set_set_data(object.get(), NFTNL_SET_DESC_CONCAT, fields.data(), fields.size());
    return message("add set inet " + table + " " + set.name, NFT_MSG_NEWSET, NLM_F_CREATE,
                   [&](nlmsghdr* head) { nftnl_set_nlmsg_build_payload(head, object.get()); });
}

/// A chain of which only the name is told: all that a chain without a hook has.
NetlinkMessage chain_message(const std::string& verb, std::uint16_t type, std::uint16_t flags,
                             const std::string& table, const std::string& name) {
    const Chain object = owned<Chain>(nftnl_chain_alloc());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table.c_str());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, name.c_str());
    return message(verb + " chain inet " + table + " " + name, type, flags,
                   [&](nlmsghdr* head) { nftnl_chain_nlmsg_build_payload(head, object.get()); });
}

Counter allocate_counter(const std::string& table, const std::string& name) {
    Counter object = owned<Counter>(nftnl_obj_alloc());
    nftnl_obj_set_str(object.get(), NFTNL_OBJ_TABLE, table.c_str());
    nftnl_obj_set_str(object.get(), NFTNL_OBJ_NAME, name.c_str());
    nftnl_obj_set_u32(object.get(), NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
    return object;
}

Table table_object(const std::string& table) {
    Table object = owned<Table>(nftnl_table_alloc());
    nftnl_table_set_u32(object.get(), NFTNL_TABLE_FAMILY, NFPROTO_INET);
    nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table.c_str());
    return object;
}

NetlinkMessage table_message(const std::string& verb, std::uint16_t type, std::uint16_t flags,
                             const std::string& table) {
    const Table object = table_object(table);
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

NetlinkMessage add_table(const std::string& table, const std::string& comment, TableOwner owner) {
    const Table object = table_object(table);
    nftnl_table_set_u32(object.get(), NFTNL_TABLE_FLAGS,
                        owner == TableOwner::maker ? NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST : 0);
    const UserData words = owned<UserData>(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));
    nftnl_udata_put_strz(words.get(), NFTNL_UDATA_TABLE_COMMENT, comment.c_str());
    nftnl_table_set_data(object.get(), NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(words.get()),
                         nftnl_udata_buf_len(words.get()));
    return message("add table inet " + table, NFT_MSG_NEWTABLE, NLM_F_CREATE,
                   [&](nlmsghdr* head) { nftnl_table_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage ensure_table(const std::string& table) {
    // Flags would be to change those of a table that is there.
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

NetlinkMessage add_chain(const std::string& table, const std::string& name) {
    return chain_message("add", NFT_MSG_NEWCHAIN, NLM_F_CREATE, table, name);
}

NetlinkMessage get_chain(const std::string& table, const std::string& name) {
    return chain_message("get", NFT_MSG_GETCHAIN, 0, table, name);
}

NetlinkMessage delete_chain(const std::string& table, const std::string& name) {
    return chain_message("delete", NFT_MSG_DELCHAIN, 0, table, name);
}

NetlinkMessage add_counter(const std::string& table, const std::string& name, const Count& count) {
    const Counter object = allocate_counter(table, name);
    nftnl_obj_set_u64(object.get(), NFTNL_OBJ_CTR_BYTES, count.bytes);
    nftnl_obj_set_u64(object.get(), NFTNL_OBJ_CTR_PKTS, count.packets);
    return message("add counter inet " + table + " " + name, NFT_MSG_NEWOBJ, NLM_F_CREATE,
                   [&](nlmsghdr* head) { nftnl_obj_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage get_counter(const std::string& table, const std::string& name) {
    const Counter object = allocate_counter(table, name);
    return message("get counter inet " + table + " " + name, NFT_MSG_GETOBJ, 0,
                   [&](nlmsghdr* head) { nftnl_obj_nlmsg_build_payload(head, object.get()); });
}

std::optional<Count> read_counter(std::span<const std::uint8_t> octets) {
    const auto* const head = reinterpret_cast<const nlmsghdr*>(octets.data());
    const Counter object = owned<Counter>(nftnl_obj_alloc());
    if (!mnl_nlmsg_ok(head, static_cast<int>(octets.size())) ||
        head->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ) ||
        nftnl_obj_nlmsg_parse(head, object.get()) < 0 ||
        !nftnl_obj_is_set(object.get(), NFTNL_OBJ_CTR_PKTS)) {
        return std::nullopt;
    }
    return Count{nftnl_obj_get_u64(object.get(), NFTNL_OBJ_CTR_PKTS),
                 nftnl_obj_get_u64(object.get(), NFTNL_OBJ_CTR_BYTES)};
}

NetlinkMessage add_set(const std::string& table, const AddressPairSet& set) {
    return set_message(table, set, 0);
}

NetlinkMessage add_map(const std::string& table, const AddressPairSet& map) {
    return set_message(table, map, NFT_SET_MAP);
}

NetlinkMessage add_set(const std::string& table, const InterfaceSet& set) {
    const Set object = allocate_set(table, set);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, 0);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, nft_type_ifname);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, interface_name_length);
    // Without it nft(8) cannot show the names.
    const UserData words = owned<UserData>(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));
    nftnl_udata_put_u32(words.get(), NFTNL_UDATA_SET_KEYBYTEORDER, nft_host_byte_order);
    nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, nftnl_udata_buf_data(words.get()),
                       nftnl_udata_buf_len(words.get()));
    return message("add set inet " + table + " " + set.name, NFT_MSG_NEWSET, NLM_F_CREATE,
                   [&](nlmsghdr* head) { nftnl_set_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage add_elements(const std::string& table, const InterfaceSet& set,
                            std::span<const std::string> names) {
    const Set object = allocate_set(table, set);
    for (const std::string& name : names | std::views::take(most_elements)) {
        std::array<char, interface_name_length> key{};
        name.copy(key.data(), key.size() - 1);
        nftnl_set_elem* const element = nftnl_set_elem_alloc();
        if (element == nullptr) {
            throw std::bad_alloc();
        }
        nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key.data(), interface_name_length);
        nftnl_set_elem_add(object.get(), element);
    }
    return message(
        "add elements to set inet " + table + " " + set.name, NFT_MSG_NEWSETELEM, NLM_F_CREATE,
        [&](nlmsghdr* head) { nftnl_set_elems_nlmsg_build_payload(head, object.get()); });
}

NetlinkMessage add_elements(const std::string& table, const AddressPairSet& set,
                            std::span<const AddressPairRange> ranges) {
    return elements_message("add elements to", NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set,
                            ranges);
}

NetlinkMessage delete_elements(const std::string& table, const AddressPairSet& set,
                               std::span<const AddressPairRange> ranges) {
    return elements_message("delete elements from", NFT_MSG_DELSETELEM, 0, table, set, ranges);
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
