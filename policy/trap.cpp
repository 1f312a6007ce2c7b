#include "policy/trap.h"

namespace viaduct::policy {

std::vector<Trap> traps(const ConnectionSet& connections) {
    std::vector<Trap> result;
    for (const auto& connection : connections.connections) {
        if (connection.start != StartAction::on_demand)
            continue;
        if (connection.children == ChildrenShape::one) {
            result.push_back(
                {connection.name, {connection.local_selectors, connection.remote_selectors}});
            continue;
        }
        for (const auto& local : connection.local_selectors)
            for (const auto& remote : connection.remote_selectors)
                if (local.family() == remote.family())
                    result.push_back({connection.name, {{local}, {remote}}});
    }
    return result;
}

} // namespace viaduct::policy
