#include "policy/connection_lookup.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

/// The position of the alternative in PeerAddress is the order of the search.
bool accepts_address(const PeerAddress& peer, const IpAddress& remote,
                     const ResolvedNames& resolved) {
    if (const auto* const fixed = std::get_if<IpAddress>(&peer))
        return *fixed == remote;
    if (const auto* const named = std::get_if<PeerName>(&peer))
        return resolved && resolved(named->name, remote);
    return true;
}

int specificity(IdentityPattern::Kind kind) {
    switch (kind) {
    case IdentityPattern::Kind::exact: return 0;
    case IdentityPattern::Kind::suffix: return 1;
    case IdentityPattern::Kind::any: break;
    }
    return 2;
}

} // namespace

std::vector<const Connection*> candidates(const ConnectionSet& set, IkeVersion version,
                                          const IpAddress& local, const IpAddress& remote,
                                          const ResolvedNames& resolved) {
    std::vector<const Connection*> found;
    for (const auto& connection : set.connections) {
        if (connection.ike.version == version && connection.local_address == local &&
            accepts_address(connection.peer_address, remote, resolved))
            found.push_back(&connection);
    }
    std::ranges::stable_sort(
        found, {}, [](const Connection* connection) { return connection->peer_address.index(); });
    return found;
}

std::vector<const Connection*> matching_identity(std::vector<const Connection*> candidates,
                                                 const Identity& peer,
                                                 const std::optional<Identity>& ours) {
    std::erase_if(candidates, [&](const Connection* connection) {
        const auto local = IdentityPattern::exactly(connection->local_id);
        return !connection->peer_id.matches(peer) || (ours && !local.matches(*ours));
    });
    std::ranges::stable_sort(candidates, {}, [](const Connection* connection) {
        return specificity(connection->peer_id.kind);
    });
    return candidates;
}

} // namespace viaduct::policy
