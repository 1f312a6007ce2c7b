#include "policy/proposal.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

std::string protocol_name(ProtocolId protocol) {
    switch (protocol) {
    case ProtocolId::none: break;
    case ProtocolId::ike: return "IKE";
    case ProtocolId::ah: return "AH";
    case ProtocolId::esp: return "ESP";
    }
    return "PROTOCOL(" + std::to_string(static_cast<unsigned>(protocol)) + ")";
}

void append(std::string& text, const std::string& name) {
    text.append(text.empty() ? "" : "/").append(name);
}

/// With the key length where it is negotiated.
std::string cipher_name(EncryptionAlgorithm id, std::uint16_t key_bits) {
    const auto* const known = facts(id);
    const bool fixed = known != nullptr && known->fixed_key_bits != 0;
    return transform_name(TransformType::encryption, static_cast<std::uint16_t>(id),
                          fixed ? std::nullopt : std::optional(key_bits));
}

template <typename Id> std::string name(TransformType type, Id id) {
    return transform_name(type, static_cast<std::uint16_t>(id), std::nullopt);
}

} // namespace

bool Proposal::has(TransformType kind) const {
    return std::ranges::contains(transforms, kind, &Transform::type);
}

std::string Proposal::to_string() const {
    std::string text;
    for (const auto& transform : transforms)
        append(text, transform.to_string());
    return protocol_name(protocol) + ":" + text;
}

std::string IkeSuite::to_string() const {
    auto text = cipher_name(encryption, key_bits);
    if (integrity != IntegrityAlgorithm::none)
        append(text, name(TransformType::integrity, integrity));
    append(text, name(TransformType::prf, prf));
    append(text, name(TransformType::key_exchange, key_exchange));
    return text;
}

std::size_t EspSuite::encryption_key_length() const {
    const auto* const encryption_facts = facts(encryption);
    return key_bits / 8u + (encryption_facts == nullptr ? 0 : encryption_facts->salt);
}

std::size_t EspSuite::integrity_key_length() const {
    const auto* const integrity_facts = facts(integrity);
    return integrity_facts == nullptr ? 0 : integrity_facts->key;
}

std::string EspSuite::to_string() const {
    auto text = cipher_name(encryption, key_bits);
    if (integrity != IntegrityAlgorithm::none)
        append(text, name(TransformType::integrity, integrity));
    if (key_exchange != KeyExchangeMethod::none)
        append(text, name(TransformType::key_exchange, key_exchange));
    if (sequence_numbers == SequenceNumbers::extended)
        append(text, "ESN");
    return text;
}

} // namespace viaduct::policy
