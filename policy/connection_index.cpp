#include "policy/connection_index.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

bool holds_other(const std::set<std::string>& names, const std::string& name) {
    return names.size() > (names.contains(name) ? 1u : 0u);
}

template <typename Map, typename Key>
void append(std::vector<std::size_t>& out, const Map& map, const Key& key) {
    if (const auto found = map.find(key); found != map.end())
        out.insert(out.end(), found->second.begin(), found->second.end());
}

} // namespace

ConnectionIndex::ConnectionIndex(const ConnectionSet& set) {
    for (Position at = 0; at < set.connections.size(); ++at) {
        const auto& each = set.connections[at];
        names_.try_emplace(each.name, at);
        auto& peers = peers_[{each.ike.version, each.local_address}];
        if (const auto* fixed = std::get_if<IpAddress>(&each.peer_address)) {
            peers.fixed[*fixed].push_back(at);
        } else if (const auto* named = std::get_if<PeerName>(&each.peer_address)) {
            peers.named[named->name].push_back(at);
            peer_names_[named->name].push_back(at);
        } else {
            peers.any.push_back(at);
        }
        auto& identities = identities_[each.local_id];
        identities.all.insert(each.name);
        if (each.peer_id.kind == IdentityPattern::Kind::exact)
            identities.exact[each.peer_id.identity].insert(each.name);
        else
            identities.patterns.insert(each.name);
    }
}

std::optional<ConnectionIndex::Position> ConnectionIndex::find(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<ConnectionIndex::Position>
ConnectionIndex::candidates(IkeVersion version, const IpAddress& local, const IpAddress& remote,
                            const std::set<std::string>& names) const {
    const auto found = peers_.find({version, local});
    if (found == peers_.end())
        return {};
    Positions out;
    append(out, found->second.fixed, remote);
    const auto of_names = static_cast<std::ptrdiff_t>(out.size());
    for (const auto& name : names)
        append(out, found->second.named, name);
    std::sort(out.begin() + of_names, out.end());
    out.insert(out.end(), found->second.any.begin(), found->second.any.end());
    return out;
}

std::vector<ConnectionIndex::Position>
ConnectionIndex::with_peer_name(const std::string& name) const {
    Positions out;
    append(out, peer_names_, name);
    return out;
}

bool ConnectionIndex::has_rival(const Connection& connection) const {
    const auto found = identities_.find(connection.local_id);
    if (found == identities_.end())
        return false;
    const auto& [all, patterns, exact] = found->second;
    if (connection.peer_id.kind != IdentityPattern::Kind::exact)
        return holds_other(all, connection.name);
    const auto same = exact.find(connection.peer_id.identity);
    return holds_other(patterns, connection.name) ||
           (same != exact.end() && holds_other(same->second, connection.name));
}

} // namespace viaduct::policy
