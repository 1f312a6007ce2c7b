// What a configuration may not ask of IKEv1, which can say less than IKEv2.
#pragma once

#include "policy/connection.h"
#include "policy/toml_table.h"

namespace viaduct::policy {

/// Of an [ike.NAME] table with version = 1.
void check_ikev1_policy(const TomlTable& table, const IkePolicy& policy);
/// Of a connection, whatever its version: `aggressive` belongs to IKEv1 only.
void check_ikev1_connection(const TomlTable& table, const Connection& connection);

} // namespace viaduct::policy
