#include "policy/proposal_choice.h"

#include <algorithm>
#include <array>

namespace viaduct::policy {

namespace {

constexpr std::array kinds{TransformType::encryption, TransformType::prf, TransformType::integrity,
                           TransformType::key_exchange, TransformType::sequence_numbers};

using Transforms = std::vector<Transform>;

/// What the absence of a kind means; nothing where a protocol requires the kind.
std::optional<Transform> implied(ProtocolId protocol, TransformType kind) {
    const bool optional = kind == TransformType::integrity ||
                          kind == TransformType::sequence_numbers ||
                          (kind == TransformType::key_exchange && protocol != ProtocolId::ike);
    return optional ? std::optional(Transform{kind, 0, std::nullopt}) : std::nullopt;
}

/// Whether a kind has a place in a protocol at all (RFC 7296 section 3.3.3).
bool has_place(ProtocolId protocol, TransformType kind) {
    return protocol == ProtocolId::ike || kind != TransformType::prf;
}

Transforms of_kind(const Proposal& proposal, TransformType kind) {
    Transforms found;
    std::ranges::copy_if(proposal.transforms, std::back_inserter(found),
                         [kind](const Transform& t) { return t.type == kind; });
    if (found.empty()) {
        if (const auto none = implied(proposal.protocol, kind))
            found.push_back(*none);
    }
    return found;
}

/// Whether a transform is complete: we know its attributes and it has those that it needs.
bool is_acceptable(const Transform& transform) {
    if (transform.unknown_attribute)
        return false;
    if (transform.type != TransformType::encryption)
        return !transform.key_bits;
    // RFC 7296 3.3.5: an algorithm with keys of several lengths must say which.
    const auto* const encryption = facts(static_cast<EncryptionAlgorithm>(transform.id));
    if (encryption == nullptr)
        return false;
    return encryption->fixed_key_bits != 0
               ? !transform.key_bits
               : transform.key_bits && encryption->allows_key(*transform.key_bits);
}

/// Our first transform of a kind that the other side has too.
std::optional<Transform> common(const Proposal& configured, const Proposal& offered,
                                TransformType kind) {
    const auto theirs = of_kind(offered, kind);
    for (const auto& ours : of_kind(configured, kind)) {
        if (is_acceptable(ours) && std::ranges::contains(theirs, ours))
            return ours;
    }
    return std::nullopt;
}

bool is_known(TransformType kind) {
    return std::ranges::contains(kinds, kind);
}

/// The lowest kind of the offer that we do not know. RFC 7296 3.3.6: such a proposal as a whole is
/// unacceptable.
std::optional<TransformType> unknown_kind(const Proposal& offered) {
    std::optional<TransformType> lowest;
    for (const auto& transform : offered.transforms) {
        if (!is_known(transform.type) && (!lowest || transform.type < *lowest))
            lowest = transform.type;
    }
    return lowest;
}

/// A pair of proposals compared kind by kind.
struct Comparison {
    Proposal chosen;
    std::size_t agreed = 0;
    std::optional<TransformType> first_difference;

    void differ(TransformType kind) {
        if (!first_difference)
            first_difference = kind;
    }
};

Comparison compare(const Proposal& configured, const Proposal& offered,
                   KeyExchangeKind key_exchange) {
    Comparison result{{configured.protocol, {}}, 0, std::nullopt};
    for (const auto kind : kinds) {
        if (kind == TransformType::key_exchange && key_exchange == KeyExchangeKind::ignored)
            continue;
        if (!has_place(configured.protocol, kind) && !offered.has(kind) && !configured.has(kind))
            continue;
        const auto transform = common(configured, offered, kind);
        if (!transform) {
            result.differ(kind);
            continue;
        }
        ++result.agreed;
        // RFC 7296 2.7: the answer holds one transform of each kind that was offered, no others.
        if (offered.has(kind))
            result.chosen.transforms.push_back(*transform);
    }
    if (const auto kind = unknown_kind(offered))
        result.differ(*kind);
    return result;
}

void prefer(Proposal& chosen, const Proposal& configured, const Proposal& offered,
            KeyExchangeMethod preferred) {
    const Transform wanted{TransformType::key_exchange, static_cast<std::uint16_t>(preferred),
                           std::nullopt};
    if (preferred == KeyExchangeMethod::none || !chosen.has(TransformType::key_exchange) ||
        !std::ranges::contains(configured.transforms, wanted) ||
        !std::ranges::contains(offered.transforms, wanted))
        return;
    *std::ranges::find(chosen.transforms, TransformType::key_exchange, &Transform::type) = wanted;
}

std::string alternatives(const Proposal& proposal, TransformType kind) {
    std::string text;
    for (const auto& transform : of_kind(proposal, kind)) {
        text.append(text.empty() ? "" : "/").append(transform.to_string());
        if (transform.unknown_attribute)
            text += " with an unknown attribute";
    }
    return text.empty() ? "NONE" : text;
}

/// A choice has one transform of each kind, so an answer with two is none.
bool has_one_of_each(const Proposal& proposal) {
    return std::ranges::all_of(proposal.transforms, [&](const Transform& transform) {
        return std::ranges::count(proposal.transforms, transform.type, &Transform::type) == 1;
    });
}

std::optional<std::uint16_t> single(const Proposal& chosen, TransformType kind) {
    const auto transforms = of_kind(chosen, kind);
    if (transforms.size() != 1 || !is_acceptable(transforms.front()))
        return std::nullopt;
    return transforms.front().id;
}

/// The encryption and integrity of a choice, which depend on each other.
struct Protection {
    EncryptionAlgorithm encryption;
    std::uint16_t key_bits;
    IntegrityAlgorithm integrity;
};

std::optional<Protection> protection(const Proposal& chosen) {
    const auto encryption = single(chosen, TransformType::encryption);
    const auto integrity_id = single(chosen, TransformType::integrity);
    if (!encryption || !integrity_id)
        return std::nullopt;
    const auto transform =
        std::ranges::find(chosen.transforms, TransformType::encryption, &Transform::type);
    const auto integrity = static_cast<IntegrityAlgorithm>(*integrity_id);
    const auto& cipher = *facts(static_cast<EncryptionAlgorithm>(*encryption));
    const Protection found{cipher.id, transform->key_bits.value_or(cipher.fixed_key_bits),
                           integrity};
    const bool aead = cipher.aead;
    const bool fits = aead ? integrity == IntegrityAlgorithm::none : facts(integrity) != nullptr;
    return fits ? std::optional(found) : std::nullopt;
}

bool is_complete(const Proposal& chosen, ProtocolId protocol) {
    return chosen.protocol == protocol && !unknown_kind(chosen) && has_one_of_each(chosen);
}

} // namespace

std::string ProposalMismatch::to_string() const {
    const std::string start = "no proposal in common: ";
    if (configured.empty())
        return start + "none is configured";
    if (offered.empty())
        return start + "none was offered";
    const auto& ours = configured.at(configured_index);
    const auto& theirs = offered.at(offered_index);
    if (ours.protocol != theirs.protocol)
        return start + "the protocol differs (configured " + ours.to_string() + ", offered " +
               theirs.to_string() + ")";
    return start + transform_type_name(kind) + " differs (configured " + alternatives(ours, kind) +
           ", offered " + alternatives(theirs, kind) + ")";
}

std::expected<ProposalChoice, ProposalMismatch>
choose_proposal(std::span<const Proposal> configured, std::span<const Proposal> offered,
                KeyExchangeKind key_exchange, KeyExchangeMethod preferred) {
    ProposalMismatch mismatch{{configured.begin(), configured.end()},
                              {offered.begin(), offered.end()}};
    bool compared = false;
    std::size_t closest = 0;
    for (std::size_t i = 0; i < configured.size(); ++i) {
        for (std::size_t j = 0; j < offered.size(); ++j) {
            if (configured[i].protocol != offered[j].protocol)
                continue;
            auto comparison = compare(configured[i], offered[j], key_exchange);
            if (!comparison.first_difference) {
                prefer(comparison.chosen, configured[i], offered[j], preferred);
                return ProposalChoice{std::move(comparison.chosen), j};
            }
            if (!compared || comparison.agreed > closest) {
                compared = true;
                closest = comparison.agreed;
                mismatch.kind = *comparison.first_difference;
                mismatch.configured_index = i;
                mismatch.offered_index = j;
            }
        }
    }
    return std::unexpected(std::move(mismatch));
}

std::optional<ProposalChoice> verify_choice(std::span<const Proposal> offered,
                                            const Proposal& answer, KeyExchangeKind key_exchange) {
    if (!has_one_of_each(answer) || unknown_kind(answer))
        return std::nullopt;
    for (std::size_t i = 0; i < offered.size(); ++i) {
        if (offered[i].protocol != answer.protocol)
            continue;
        auto comparison = compare(offered[i], answer, key_exchange);
        if (!comparison.first_difference)
            return ProposalChoice{std::move(comparison.chosen), i};
    }
    return std::nullopt;
}

std::optional<IkeSuite> ike_suite(const Proposal& chosen) {
    if (!is_complete(chosen, ProtocolId::ike))
        return std::nullopt;
    const auto protected_by = protection(chosen);
    const auto prf =
        static_cast<PseudoRandomFunction>(single(chosen, TransformType::prf).value_or(0));
    const auto key_exchange =
        static_cast<KeyExchangeMethod>(single(chosen, TransformType::key_exchange).value_or(0));
    const bool extended = single(chosen, TransformType::sequence_numbers) != 0;
    if (!protected_by || facts(prf) == nullptr || facts(key_exchange) == nullptr || extended)
        return std::nullopt;
    return IkeSuite{protected_by->encryption, protected_by->key_bits, prf, protected_by->integrity,
                    key_exchange};
}

std::optional<EspSuite> esp_suite(const Proposal& chosen) {
    if (!is_complete(chosen, ProtocolId::esp) || chosen.has(TransformType::prf))
        return std::nullopt;
    const auto protected_by = protection(chosen);
    const auto key_exchange_id = single(chosen, TransformType::key_exchange);
    const auto sequence_numbers = single(chosen, TransformType::sequence_numbers);
    if (!protected_by || !key_exchange_id || !sequence_numbers || *sequence_numbers > 1)
        return std::nullopt;
    const auto key_exchange = static_cast<KeyExchangeMethod>(*key_exchange_id);
    if (key_exchange != KeyExchangeMethod::none && facts(key_exchange) == nullptr)
        return std::nullopt;
    return EspSuite{protected_by->encryption, protected_by->key_bits, protected_by->integrity,
                    key_exchange, static_cast<SequenceNumbers>(*sequence_numbers)};
}

} // namespace viaduct::policy
