// What the attributes of a transform say: the suites of phase 1 (RFC 2409 appendix A) and of ESP in
// phase 2 (RFC 2407 section 4.5).
#pragma once

#include "ike/wire/v1_payload.h"

namespace viaduct::ike::wire::v1 {

/// Life types and durations of one transform or notification; nothing where it names none.
struct Lifetimes {
    std::optional<std::uint64_t> seconds;
    std::optional<std::uint64_t> kilobytes;
    friend bool operator==(const Lifetimes&, const Lifetimes&) = default;
};

/// A transform of phase 1. Attributes that are absent stay nothing; numbers outside the
/// enumerations may come.
struct PhaseOneSuite {
    std::optional<Encryption> encryption;
    /// In bits; none for ciphers with one length.
    std::optional<std::uint16_t> key_bits;
    std::optional<Hash> hash;
    std::optional<Authentication> authentication;
    /// The numbers of IKEv2's key exchange methods, of which IKEv1's groups were the first.
    std::optional<std::uint16_t> group;
    Lifetimes lifetimes;
    /// It holds an attribute that we do not understand, or a group given by its parameters: it can
    /// never be chosen.
    bool unknown_attribute = false;

    /// `AES_CBC_256/SHA2_256/modp2048/PSK`. For reports.
    std::string to_string() const;
    friend bool operator==(const PhaseOneSuite&, const PhaseOneSuite&) = default;
};

/// A transform of an ESP proposal.
struct EspTransform {
    EspTransformId id = EspTransformId::null;
    std::optional<std::uint16_t> key_bits;
    /// Absent with an AEAD.
    std::optional<EspAuthentication> authentication;
    /// The group of the quick mode's own key exchange; nothing without PFS.
    std::optional<std::uint16_t> group;
    std::optional<Encapsulation> encapsulation;
    bool extended_sequence_numbers = false;
    Lifetimes lifetimes;
    bool unknown_attribute = false;

    /// `AES_CBC_256/HMAC_SHA2_256_128/modp2048/TUNNEL`. For reports.
    std::string to_string() const;
    friend bool operator==(const EspTransform&, const EspTransform&) = default;
};

/// Fails where an attribute comes twice, a number is longer than 8 octets, or a duration has no
/// life type before it (RFC 2407 section 4.5).
Decoded<PhaseOneSuite> read_phase_one_suite(const Transform& transform);
Decoded<EspTransform> read_esp_transform(const Transform& transform);
/// Durations are cut to 32 bits.
Transform phase_one_transform(std::uint8_t number, const PhaseOneSuite& suite);
Transform esp_transform(std::uint8_t number, const EspTransform& transform);

/// RESPONDER-LIFETIME (RFC 2407 section 4.6.3.1), of an ISAKMP SA or of ESP by its protocol.
Decoded<Lifetimes> read_responder_lifetime(const NotifyPayload& notify);
/// `spi` as in the other fields of the notification.
NotifyPayload responder_lifetime(policy::ProtocolId protocol, Octets spi, const Lifetimes& life);

} // namespace viaduct::ike::wire::v1
