#include "policy/connection_changes.h"

namespace viaduct::policy {

ConnectionChanges compare(const ConnectionSet& before, const ConnectionSet& after) {
    ConnectionChanges changes;
    for (const auto& connection : before.connections) {
        if (after.find(connection.name) == nullptr)
            changes.removed.push_back(connection.name);
    }
    for (const auto& connection : after.connections) {
        const auto* const old = before.find(connection.name);
        if (old == nullptr)
            changes.added.push_back(connection.name);
        else if (*old == connection)
            changes.kept.push_back(connection.name);
        else
            changes.changed.push_back(connection.name);
    }
    return changes;
}

} // namespace viaduct::policy
