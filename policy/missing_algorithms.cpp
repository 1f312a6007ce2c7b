#include "policy/missing_algorithms.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

bool is_algorithm(const Transform& transform) {
    return transform.type == TransformType::encryption ||
           (transform.type == TransformType::integrity && transform.id != 0);
}

std::size_t count(const Proposal& proposal, TransformType type) {
    return static_cast<std::size_t>(
        std::ranges::count(proposal.transforms, type, &Transform::type));
}

/// Takes the algorithms out of a proposal; false when nothing is left that could be used.
bool reduce(Proposal& proposal, std::span<const Transform> missing) {
    const bool needs_integrity = count(proposal, TransformType::integrity) > 0;
    std::erase_if(proposal.transforms, [&](const Transform& transform) {
        return std::ranges::contains(missing, transform);
    });
    return count(proposal, TransformType::encryption) > 0 &&
           (!needs_integrity || count(proposal, TransformType::integrity) > 0);
}

} // namespace

std::vector<Transform> esp_algorithms(const ConnectionSet& connections) {
    std::vector<Transform> found;
    for (const auto& connection : connections.connections) {
        for (const auto& proposal : connection.esp.proposals)
            std::ranges::copy_if(proposal.transforms, std::back_inserter(found), is_algorithm);
    }
    std::ranges::sort(found);
    const auto repeated = std::ranges::unique(found);
    found.erase(repeated.begin(), repeated.end());
    return found;
}

ConnectionSet without_algorithms(ConnectionSet connections, std::span<const Transform> missing) {
    if (missing.empty())
        return connections;
    for (auto& connection : connections.connections)
        std::erase_if(connection.esp.proposals,
                      [&](Proposal& proposal) { return !reduce(proposal, missing); });
    return connections;
}

} // namespace viaduct::policy
