// Viaduct's own nftables table in a router: `table inet viaduct`.
#pragma once

#include "netns/network_namespace.h"
#include "policy/firewall_rules.h"

#include <expected>

namespace viaduct::netns {

/// Puts the table there as described, in one transaction, replacing what was there under our name.
/// Other tables are never touched.
std::expected<void, SystemError> install_firewall_table(const NetworkNamespace& router,
                                                        const policy::FirewallRules& rules);
/// Takes it away; no failure when it is not there.
std::expected<void, SystemError> remove_firewall_table(const NetworkNamespace& router);

/// Whether a table of our name is there, whatever it holds.
std::expected<bool, SystemError> firewall_table_present(const NetworkNamespace& router);

} // namespace viaduct::netns
