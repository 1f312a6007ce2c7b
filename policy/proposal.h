// Proposals: what is offered, in the RFC's structure and in the notation operators write.
#pragma once

#include "policy/algorithm.h"

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

/// IANA "IKEv2 Security Protocol Identifiers" (RFC 7296 section 3.3.1).
enum class ProtocolId : std::uint8_t { none = 0, ike = 1, ah = 2, esp = 3 };

/// One transform (RFC 7296 section 3.3.2). Numbers stay raw, because a peer may offer transforms
/// that we do not know and reports must still name them.
struct Transform {
    TransformType type = TransformType::encryption;
    std::uint16_t id = 0;
    /// The Key Length attribute, in bits.
    std::optional<std::uint16_t> key_bits;
    /// The peer gave an attribute that we do not understand: the transform can never be chosen
    /// (RFC 7296 section 3.3.6).
    bool unknown_attribute = false;

    std::string to_string() const { return transform_name(type, id, key_bits); }
    friend auto operator<=>(const Transform&, const Transform&) = default;
};

/// One proposal without number and SPI. Transforms are in order of preference within each type.
struct Proposal {
    ProtocolId protocol = ProtocolId::ike;
    std::vector<Transform> transforms;

    bool has(TransformType kind) const;

    /// `IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519`. For reports.
    std::string to_string() const;
    friend auto operator<=>(const Proposal&, const Proposal&) = default;
};

/// Why a proposal's text is refused: which part of it, where, and what was expected.
struct ProposalTextError {
    /// Octet offset of the part in the text.
    std::size_t offset = 0;
    std::string part;
    std::string message;
};

/// Reads `aes256gcm16-prfsha384-x25519`, `aes256-sha256-modp2048`, `aes128gcm16` (ESP). Several
/// algorithms of one kind may be given and are alternatives. For IKE: a PRF is derived from each
/// integrity algorithm when none is named, is required beside an AEAD, and a key exchange is
/// required. An integrity algorithm beside an AEAD alone is dropped, as other implementations do
/// (it names the PRF if there is none). AEAD and non-AEAD ciphers cannot share one proposal
/// (RFC 7296 section 3.3). For ESP: no PRF; `esn` and `noesn` are accepted, default `noesn`.
std::expected<Proposal, ProposalTextError> parse_proposal(std::string_view text,
                                                          ProtocolId protocol);

/// The notation that `parse_proposal` reads.
std::string proposal_text(const Proposal& proposal);

/// What an IKE SA uses: exactly one of each kind.
struct IkeSuite {
    EncryptionAlgorithm encryption = EncryptionAlgorithm::none;
    std::uint16_t key_bits = 0;
    PseudoRandomFunction prf = PseudoRandomFunction::none;
    /// `none` with an AEAD.
    IntegrityAlgorithm integrity = IntegrityAlgorithm::none;
    KeyExchangeMethod key_exchange = KeyExchangeMethod::none;

    std::string to_string() const;
    friend auto operator<=>(const IkeSuite&, const IkeSuite&) = default;
};

/// What a child SA uses.
struct EspSuite {
    EncryptionAlgorithm encryption = EncryptionAlgorithm::none;
    std::uint16_t key_bits = 0;
    IntegrityAlgorithm integrity = IntegrityAlgorithm::none;
    /// Of the exchange that made it; `none` without a key exchange of its own.
    KeyExchangeMethod key_exchange = KeyExchangeMethod::none;
    SequenceNumbers sequence_numbers = SequenceNumbers::thirty_two_bit;

    /// Key lengths in octets: encryption (with the salt of an AEAD or counter mode), integrity.
    std::size_t encryption_key_length() const;
    std::size_t integrity_key_length() const;
    std::string to_string() const;
    friend auto operator<=>(const EspSuite&, const EspSuite&) = default;
};

} // namespace viaduct::policy
