#include "policy/tunnel_mtu.h"

#include "policy/esp_overhead.h"

#include <algorithm>
#include <vector>

namespace viaduct::policy {

namespace {

constexpr std::size_t largest = 65535;

/// All that a proposal may lead to, as far as it counts here.
std::vector<EspSuite> suites(const Proposal& proposal) {
    std::vector<EncryptionAlgorithm> encryptions;
    std::vector<IntegrityAlgorithm> integrities;
    for (const auto& transform : proposal.transforms) {
        if (transform.type == TransformType::encryption)
            encryptions.push_back(static_cast<EncryptionAlgorithm>(transform.id));
        else if (transform.type == TransformType::integrity)
            integrities.push_back(static_cast<IntegrityAlgorithm>(transform.id));
    }
    if (integrities.empty())
        integrities.push_back(IntegrityAlgorithm::none);
    std::vector<EspSuite> result;
    for (const auto encryption : encryptions)
        for (const auto integrity : integrities)
            result.push_back({.encryption = encryption, .integrity = integrity});
    return result;
}

} // namespace

std::uint16_t inner_mtu(const WantedInterface& interface, std::span<const std::uint32_t> paths) {
    std::size_t fitting = largest;
    for (std::size_t i = 0; i < interface.connections.size() && i < paths.size(); ++i) {
        const auto& connection = *interface.connections[i];
        for (const auto& proposal : connection.esp.proposals)
            for (const auto& suite : suites(proposal))
                fitting = std::min(
                    fitting, esp_overhead(suite, connection.local_address.family(), EspCarrier::udp)
                                 .longest_inner(paths[i]));
    }
    return static_cast<std::uint16_t>(std::max<std::size_t>(fitting, lowest_ipv6_mtu));
}

} // namespace viaduct::policy
