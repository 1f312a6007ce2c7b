#include "policy/connection_changes.h"

#include "policy/connection_index.h"

namespace viaduct::policy {

ConnectionChanges compare(const ConnectionSet& before, const ConnectionSet& after) {
    ConnectionChanges changes;
    const ConnectionIndex old_ones(before), new_ones(after);
    for (const auto& connection : before.connections) {
        if (!new_ones.find(connection.name))
            changes.removed.push_back(connection.name);
    }
    for (const auto& connection : after.connections) {
        const auto old = old_ones.find(connection.name);
        if (!old)
            changes.added.push_back(connection.name);
        else if (before.connections[*old] == connection)
            changes.kept.push_back(connection.name);
        else
            changes.changed.push_back(connection.name);
    }
    return changes;
}

} // namespace viaduct::policy
