// What an edited configuration changes (used by reload).
#pragma once

#include "policy/connection.h"

namespace viaduct::policy {

/// Names of connections by what happened to them. A changed connection is stopped and started
/// anew; an equal one is not touched.
struct ConnectionChanges {
    std::vector<std::string> added;
    std::vector<std::string> removed;
    std::vector<std::string> changed;
    std::vector<std::string> kept;

    friend bool operator==(const ConnectionChanges&, const ConnectionChanges&) = default;
};

ConnectionChanges compare(const ConnectionSet& before, const ConnectionSet& after);

} // namespace viaduct::policy
