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
};

/// A transaction is everything between these; the kernel does all of it or nothing.
NetlinkMessage begin_transaction();
NetlinkMessage end_transaction();

/// No failure when the table is there already.
NetlinkMessage add_table(const std::string& table);
NetlinkMessage delete_table(const std::string& table);
/// Stands alone, outside a transaction.
NetlinkMessage get_table(const std::string& table);
NetlinkMessage add_chain(const std::string& table, const BaseChain& chain);
NetlinkMessage add_set(const std::string& table, const AddressPairSet& set);
/// At most `most_elements` ranges.
NetlinkMessage add_elements(const std::string& table, const AddressPairSet& set,
                            std::span<const AddressPairRange> ranges);
/// At the end of the chain. `description` names the rule in errors.
NetlinkMessage add_rule(const std::string& table, const std::string& chain,
                        const std::string& description, std::vector<Expression> expressions);

/// Elements of one message: their list is an attribute, which holds 65535 octets.
constexpr std::size_t most_elements = 256;

} // namespace viaduct::netns::nft
