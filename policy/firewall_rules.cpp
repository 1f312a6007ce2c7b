#include "policy/firewall_rules.h"

#include <algorithm>

namespace viaduct::policy {

FirewallRules firewall_rules(const ConnectionSet& connections) {
    std::vector<ProtectedPair> pairs;
    for (const Connection& connection : connections.connections) {
        // Nothing leaves an XFRM interface in clear, and what is to enter it is the routes' matter.
        if (connection.interface) {
            continue;
        }
        const auto more = pairs_of(connection.local_selectors, connection.remote_selectors);
        pairs.insert(pairs.end(), more.begin(), more.end());
    }
    FirewallRules rules;
    rules.guarded = cut_apart(pairs);
    rules.packets_wait =
        std::ranges::contains(connections.connections, StartAction::on_demand, &Connection::start);
    return rules;
}

} // namespace viaduct::policy
