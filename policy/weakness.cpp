#include "policy/weakness.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

bool is_weak(const Transform& transform) {
    const auto known_and_weak = [](const auto* known) { return known != nullptr && known->weak; };
    switch (transform.type) {
    case TransformType::encryption:
        return known_and_weak(facts(static_cast<EncryptionAlgorithm>(transform.id)));
    case TransformType::prf:
        return known_and_weak(facts(static_cast<PseudoRandomFunction>(transform.id)));
    case TransformType::integrity:
        return known_and_weak(facts(static_cast<IntegrityAlgorithm>(transform.id)));
    case TransformType::key_exchange:
        return known_and_weak(facts(static_cast<KeyExchangeMethod>(transform.id)));
    case TransformType::sequence_numbers: break;
    }
    return false;
}

std::vector<std::string> weak_algorithms(const std::vector<Proposal>& proposals) {
    std::vector<std::string> names;
    for (const auto& proposal : proposals) {
        for (const auto& transform : proposal.transforms) {
            if (is_weak(transform) && !std::ranges::contains(names, transform.to_string()))
                names.push_back(transform.to_string());
        }
    }
    return names;
}

void add_algorithms(std::vector<std::string>& out, std::string_view of,
                    const std::vector<std::string>& names) {
    if (names.empty())
        return;
    std::string text(of);
    text += " accepts weak algorithms: ";
    for (const auto& name : names)
        text.append(&name == &names.front() ? "" : ", ").append(name);
    out.push_back(std::move(text));
}

} // namespace

std::vector<std::string> weaknesses(const Connection& connection) {
    std::vector<std::string> out;
    if (connection.ike.version == IkeVersion::v1)
        out.emplace_back("IKEv1 is deprecated (RFC 9395); move the peer to IKEv2");
    if (connection.ike.version == IkeVersion::v1 && connection.unique == Uniqueness::never &&
        std::holds_alternative<AnyPeer>(connection.peer_address))
        out.emplace_back("over IKEv1 the child SAs of hosts that call themselves alike go to "
                         "whichever came last; give each host a connection of its own");
    if (connection.aggressive)
        out.emplace_back(
            "aggressive mode with a pre-shared key shows whoever asks what he needs to "
            "guess the key at leisure; the key must be long and random");
    add_algorithms(out, "IKE", weak_algorithms(connection.ike.proposals));
    auto esp = weak_algorithms(connection.esp.proposals);
    if (connection.esp.sha256_cut_to_96)
        esp.push_back(transform_name(
            TransformType::integrity,
            static_cast<std::uint16_t>(IntegrityAlgorithm::hmac_sha2_256_96), std::nullopt));
    add_algorithms(out, "ESP", esp);
    return out;
}

} // namespace viaduct::policy
