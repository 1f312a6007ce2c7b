// One [[connection]] table of a connection file.
#pragma once

#include "policy/policy_table.h"

namespace viaduct::policy {

/// Reads a connection and fills in the defaults. Where it has mistakes, what is returned is
/// incomplete and of no use.
Connection read_connection(const TomlTable& table, const NamedPolicies& policies, FileAccess access,
                           const SecretFileReader& read_secret);

} // namespace viaduct::policy
