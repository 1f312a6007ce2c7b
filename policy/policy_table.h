// The [ike.NAME] and [esp.NAME] tables of a connection file.
#pragma once

#include "policy/connection.h"
#include "policy/toml_table.h"

#include <map>

namespace viaduct::policy {

/// The policies of a file by name. One with mistakes is there too, so that the connections that use
/// it are not blamed for them.
struct NamedPolicies {
    std::map<std::string, IkePolicy, std::less<>> ike;
    std::map<std::string, EspPolicy, std::less<>> esp;
};

NamedPolicies read_policies(const TomlTable& root);

} // namespace viaduct::policy
