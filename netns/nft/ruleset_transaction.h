// What `table inet viaduct` holds, as nftables transactions.
//
//   null_source (nat, postrouting, before other NAT): a packet that is about to be encrypted gets a
//       NAT mapping to its own source, so that no later rule can rewrite it out of its tunnel.
//   null_destination (nat, prerouting, before other NAT): the same for the destination of a packet
//       that was decrypted here.
//   guard_forward, guard_output, guard_input (filter, before other filters): between protected
//       address ranges only IPsec passes; what would travel in clear is counted and dropped.
//   guard_postrouting (filter, behind NAT): a flow that was masqueraded before the table existed
//       keeps its mapping, and would be rewritten out of its tunnel.
//   clamp_forward, clamp_output, clamp_input (filter, priority mangle): the maximum segment size in
//       a TCP SYN is lowered to what fits into the tunnel, in both directions.
//   segment_N: lowers it to N. Chains that are jumped to.
//   out4, in4, out6, in6: the protected pairs as (source, destination), our side first or last.
//   clamp4, clamp6: pairs, in both directions, and the chain for their segments.
//   tunnels: the interfaces of route-based connections, where there are any.
//   guard_out, guard_in: the counters of what was dropped on its way out and in.
#pragma once

#include "netns/netlink_message.h"
#include "netns/nft/rule_message.h"
#include "policy/firewall_rules.h"

#include <vector>

namespace viaduct::netns::nft {

inline constexpr const char* table_name = "viaduct";
/// Stands in while the other is replaced: the kernel lets a new set of ranges match only some time
/// after the transaction that made it has taken effect (nf_tables_commit() calls
/// nft_set_commit_update() last), and until then the new table would let everything through.
inline constexpr const char* bridge_name = "viaduct_bridge";

struct TableContents {
    policy::FirewallRules rules;
    /// Sources and destinations, without pairs that overlap.
    std::vector<policy::ClampedPair> clamped{};
    /// As mark_transaction().
    bool abandoned = false;
    friend bool operator==(const TableContents&, const TableContents&) = default;
};

/// Replaces the table of this name, whatever it held and unless somebody else owns it (EPERM), in
/// one step. The counters begin with `counted`.
std::vector<NetlinkMessage> install_transaction(const char* name, const TableContents& contents,
                                                const policy::GuardCounters& counted,
                                                TableOwner owner);

/// Changes a table that holds `before`, in one step, touching only what differs; nothing to send
/// where nothing does. The rules must differ in their pairs alone.
std::vector<NetlinkMessage> update_transaction(const TableContents& before,
                                               const TableContents& after);

/// Guarded pairs that an update leaves open for a moment, other than their predecessors: an element
/// that is deleted stops matching when the transaction takes effect, one that is added begins some
/// time later (see bridge_name), and what both would take passes in between. Empty where deleted
/// and added elements have nothing in common.
std::vector<policy::ProtectedPair> open_meanwhile(const TableContents& before,
                                                  const TableContents& after);

/// Takes the table away. Fails with ENOENT when it is not there.
std::vector<NetlinkMessage> remove_transaction();

/// Takes the bridge away, if it is there.
std::vector<NetlinkMessage> remove_bridge_transaction();

/// Adds to the table an empty chain `abandoned`. Fails with ENOENT when there is no table.
std::vector<NetlinkMessage> mark_transaction();
/// Takes it away.
std::vector<NetlinkMessage> unmark_transaction();
/// Asks for that chain; no transaction. Fails with ENOENT when it is not there.
std::vector<NetlinkMessage> look_up_mark();

/// Asks for the table; no transaction. Fails with ENOENT when it is not there.
std::vector<NetlinkMessage> look_up();

/// Asks for the counters, outbound before inbound; no transaction. Fails with ENOENT when they are
/// not there.
std::vector<NetlinkMessage> look_up_counters();

} // namespace viaduct::netns::nft
