// Which of the offered proposals we take (RFC 7296 sections 2.7 and 3.3.6).
#pragma once

#include "policy/proposal.h"

#include <span>

namespace viaduct::policy {

/// Why two lists of proposals have nothing in common, with both sides as they were.
struct ProposalMismatch {
    std::vector<Proposal> configured;
    std::vector<Proposal> offered;
    /// The first transform kind, in the order of TransformType, that has nothing in common in the
    /// pair of proposals that came closest (agreed on the most kinds).
    TransformType kind = TransformType::encryption;
    /// Indexes of that pair.
    std::size_t configured_index = 0;
    std::size_t offered_index = 0;

    /// `no proposal in common: ENCR differs (configured AES_GCM_16_256, offered AES_CBC_128)`.
    std::string to_string() const;
    friend bool operator==(const ProposalMismatch&, const ProposalMismatch&) = default;
};

/// The result of a choice: the proposal reduced to one transform of each kind, as it is answered,
/// and which of the offered ones it came from (0-based index).
struct ProposalChoice {
    Proposal proposal;
    std::size_t offered_index = 0;
    friend bool operator==(const ProposalChoice&, const ProposalChoice&) = default;
};

/// Whether the key exchange kind takes part in the choice. The child SA of IKE_AUTH has no key
/// exchange of its own, so its KE transforms are left out on both sides (RFC 7296 section 1.2).
enum class KeyExchangeKind : std::uint8_t { negotiated, ignored };

/// Our order of preference decides: the first configured proposal that has a common transform of
/// every kind with some offered proposal of the same protocol, and within it our first transform
/// of each kind. A kind that one side leaves out counts as NONE (integrity, key exchange) or as no
/// extended sequence numbers. A transform whose attribute is required but absent, or that carries
/// an unknown attribute, never matches. `preferred` is a key exchange method that wins over our
/// order if it is acceptable in the chosen proposal (the peer's KE payload saves a round trip).
std::expected<ProposalChoice, ProposalMismatch>
choose_proposal(std::span<const Proposal> configured, std::span<const Proposal> offered,
                KeyExchangeKind key_exchange = KeyExchangeKind::negotiated,
                KeyExchangeMethod preferred = KeyExchangeMethod::none);

/// Checks a peer's answer to what we offered (RFC 7296 section 2.7): exactly one transform of each
/// kind, each of them offered in one and the same proposal. Nothing when it is not ours.
std::optional<ProposalChoice>
verify_choice(std::span<const Proposal> offered, const Proposal& answer,
              KeyExchangeKind key_exchange = KeyExchangeKind::negotiated);

/// Reads a chosen proposal (one transform of each kind) as a suite; nothing when it is not one.
std::optional<IkeSuite> ike_suite(const Proposal& chosen);
std::optional<EspSuite> esp_suite(const Proposal& chosen);

} // namespace viaduct::policy
