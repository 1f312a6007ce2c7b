// What `table inet viaduct` holds, as one nftables transaction.
//
//   null_mapping (nat, postrouting, before other NAT): a packet that is about to be encrypted gets
//   a
//       NAT mapping to its own source, so that no later rule can rewrite it out of its tunnel.
//   guard_forward, guard_output, guard_input (filter, before other filters): between protected
//       address ranges only IPsec passes; what would travel in clear is counted and dropped.
//   out4, in4, out6, in6: the protected pairs as (source, destination), our side first or last.
#pragma once

#include "netns/netlink_message.h"
#include "policy/firewall_rules.h"

#include <vector>

namespace viaduct::netns::nft {

/// Replaces the table, whatever it held, in one step.
std::vector<NetlinkMessage> install_transaction(const policy::FirewallRules& rules);
/// Takes the table away. Fails with ENOENT when it is not there.
std::vector<NetlinkMessage> remove_transaction();

/// Asks for the table; no transaction. Fails with ENOENT when it is not there.
std::vector<NetlinkMessage> look_up();

} // namespace viaduct::netns::nft
