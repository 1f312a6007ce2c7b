#include "policy/connection_lookup.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

int specificity(IdentityPattern::Kind kind) {
    switch (kind) {
    case IdentityPattern::Kind::exact: return 0;
    case IdentityPattern::Kind::suffix: return 1;
    case IdentityPattern::Kind::any: break;
    }
    return 2;
}

} // namespace

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
