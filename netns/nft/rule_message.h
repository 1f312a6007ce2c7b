// nftables requests as netlink messages: one function per kind.
#pragma once

#include "netns/netlink_message.h"
#include "netns/nft/expression.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace viaduct::netns::nft {

/// A chain at a netfilter hook that accepts what its rules do not drop.
struct BaseChain {
    std::string name;
    /// `filter` or `nat`.
    std::string type;
    /// NF_INET_FORWARD and so on.
    std::uint32_t hook = 0;
    /// Chains at one hook run in ascending order.
    std::int32_t priority = 0;
};

/// One element. Both ends belong to it. Elements of a set must not overlap.
struct AddressPairRange {
    policy::IpAddress source_start, source_end;
    policy::IpAddress destination_start, destination_end;
    /// For an element of a map: the chain where the packet goes on.
    std::string chain{};
    friend auto operator<=>(const AddressPairRange&, const AddressPairRange&) = default;
};

/// What a named counter has counted.
struct Count {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    friend bool operator==(const Count&, const Count&) = default;
};

/// A transaction is everything between these; the kernel does all of it or nothing.
NetlinkMessage begin_transaction();
NetlinkMessage end_transaction();

/// Who may change a table.
enum class TableOwner : std::uint8_t {
    none, ///< whoever has the right to nftables in its namespace
    /// The socket that makes it, alone: a flush of the whole ruleset passes the table by. When the
    /// socket is closed the table stays, without an owner (NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST,
    /// linux/netfilter/nf_tables.h). EOPNOTSUPP before Linux 6.9.
    maker,
};

/// `comment` is for those who list it, at most 127 octets.
NetlinkMessage add_table(const std::string& table, const std::string& comment, TableOwner owner);
/// For a table that may be there: it stays as it is then.
NetlinkMessage ensure_table(const std::string& table);
NetlinkMessage delete_table(const std::string& table);
/// Stands alone, outside a transaction.
NetlinkMessage get_table(const std::string& table);
NetlinkMessage add_chain(const std::string& table, const BaseChain& chain);
/// A chain that is jumped to.
NetlinkMessage add_chain(const std::string& table, const std::string& name);
/// Stands alone.
NetlinkMessage get_chain(const std::string& table, const std::string& name);
/// With its rules; nothing may jump to it any more.
NetlinkMessage delete_chain(const std::string& table, const std::string& name);
/// A counter that begins with `count`; one that is there already stays as it is.
NetlinkMessage add_counter(const std::string& table, const std::string& name, const Count& count);
/// Stands alone.
NetlinkMessage get_counter(const std::string& table, const std::string& name);
/// The answer to get_counter; nothing when it is none.
std::optional<Count> read_counter(std::span<const std::uint8_t> message);
NetlinkMessage add_set(const std::string& table, const AddressPairSet& set);
/// A map from address pairs to chains.
NetlinkMessage add_map(const std::string& table, const AddressPairSet& map);
NetlinkMessage add_set(const std::string& table, const InterfaceSet& set);
/// Names of at most 15 octets; at most `most_elements` of them.
NetlinkMessage add_elements(const std::string& table, const InterfaceSet& set,
                            std::span<const std::string> names);
/// At most `most_elements` ranges.
NetlinkMessage add_elements(const std::string& table, const AddressPairSet& set,
                            std::span<const AddressPairRange> ranges);
NetlinkMessage delete_elements(const std::string& table, const AddressPairSet& set,
                               std::span<const AddressPairRange> ranges);
/// At the end of the chain. `description` names the rule in errors.
NetlinkMessage add_rule(const std::string& table, const std::string& chain,
                        const std::string& description, std::vector<Expression> expressions);

/// Elements of one message: their list is an attribute, which holds 65535 octets.
constexpr std::size_t most_elements = 256;

} // namespace viaduct::netns::nft
