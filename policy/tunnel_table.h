// The keys of a [[connection]] table that say how its packets find the tunnel.
#pragma once

#include "policy/connection.h"
#include "policy/toml_table.h"

namespace viaduct::policy {

/// interface, interface_addresses, routes, mtu and leak_guard. To be called when the rest of the
/// connection is known.
void read_tunnel(const TomlTable& table, Connection& connection);

} // namespace viaduct::policy
