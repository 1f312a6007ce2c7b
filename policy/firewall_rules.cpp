#include "policy/firewall_rules.h"

#include <algorithm>

namespace viaduct::policy {
namespace {

bool is_everything(const IpAddress& start, const IpAddress& end) {
    return start == IpAddress::unspecified(start.family()) &&
           end == IpAddress::highest(end.family());
}

void append_guarded(std::vector<ProtectedPair>& pairs, const Connection& connection) {
    for (const ProtectedPair& pair :
         pairs_of(connection.local_selectors, connection.remote_selectors)) {
        if (!connection.interface || !is_everything(pair.remote_start, pair.remote_end)) {
            pairs.push_back(pair);
        }
    }
}

} // namespace

FirewallRules firewall_rules(const ConnectionSet& connections) {
    std::vector<ProtectedPair> pairs;
    FirewallRules rules;
    for (const Connection& connection : connections.connections) {
        if (connection.leak_guard) {
            append_guarded(pairs, connection);
        }
        if (connection.mtu != 0) {
            rules.packet_limits[connection.name] = connection.mtu;
        }
        if (connection.interface) {
            rules.tunnel_interfaces.push_back(connection.interface->name);
        }
    }
    rules.guarded = cut_apart(pairs);
    std::ranges::sort(rules.tunnel_interfaces);
    const auto repeated = std::ranges::unique(rules.tunnel_interfaces);
    rules.tunnel_interfaces.erase(repeated.begin(), repeated.end());
    rules.packets_wait =
        std::ranges::contains(connections.connections, StartAction::on_demand, &Connection::start);
    return rules;
}

} // namespace viaduct::policy
