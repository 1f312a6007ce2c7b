// The algorithms IKE and ESP negotiate: IANA numbers, names, key and ICV lengths, in tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace viaduct::policy {

/// IANA "Transform Type Values" (RFC 7296 section 3.3.2). A peer may send others.
enum class TransformType : std::uint8_t {
    encryption = 1,
    prf = 2,
    integrity = 3,
    key_exchange = 4,
    sequence_numbers = 5,
};

/// IANA "Transform Type 1 - Encryption Algorithm Transform IDs".
enum class EncryptionAlgorithm : std::uint16_t {
    none = 0,
    triple_des_cbc = 3,
    aes_cbc = 12,
    aes_ctr = 13,
    aes_ccm_8 = 14,
    aes_ccm_12 = 15,
    aes_ccm_16 = 16,
    aes_gcm_8 = 18,
    aes_gcm_12 = 19,
    aes_gcm_16 = 20,
    /// Authenticates and does not encrypt.
    null_auth_aes_gmac = 21,
    chacha20_poly1305 = 28,
};

/// IANA "Transform Type 2 - Pseudorandom Function Transform IDs".
enum class PseudoRandomFunction : std::uint16_t {
    none = 0,
    hmac_sha1 = 2,
    hmac_sha2_256 = 5,
    hmac_sha2_384 = 6,
    hmac_sha2_512 = 7,
};

/// IANA "Transform Type 3 - Integrity Algorithm Transform IDs".
enum class IntegrityAlgorithm : std::uint16_t {
    none = 0,
    hmac_sha1_96 = 2,
    hmac_sha2_256_128 = 12,
    hmac_sha2_384_192 = 13,
    hmac_sha2_512_256 = 14,
    /// Of the private range, and never on the wire: HMAC-SHA2-256 as the Linux kernel cut it before
    /// 2.6.33. Both sides negotiate `hmac_sha2_256_128` and know better.
    hmac_sha2_256_96 = 1024,
};

/// IANA "Transform Type 4 - Key Exchange Method Transform IDs".
enum class KeyExchangeMethod : std::uint16_t {
    none = 0,
    modp1024 = 2,
    modp1536 = 5,
    modp2048 = 14,
    modp3072 = 15,
    modp4096 = 16,
    modp6144 = 17,
    modp8192 = 18,
    ecp256 = 19,
    ecp384 = 20,
    ecp521 = 21,
    curve25519 = 31,
};

/// IANA "Transform Type 5 - Sequence Numbers" (ESN).
enum class SequenceNumbers : std::uint16_t { thirty_two_bit = 0, extended = 1 };

/// Facts about one encryption algorithm. Lengths in octets unless said otherwise.
struct EncryptionFacts {
    EncryptionAlgorithm id;
    /// As proposals spell it, without the key length, which stands where the ellipsis is, else at
    /// the end: `aes`, `aes…gcm16`.
    std::string_view name;
    bool aead;
    /// Key lengths that may be negotiated, in bits, ending with 0.
    std::uint16_t key_bits[4];
    /// The key length of an algorithm that has only one, which is therefore not negotiated
    /// (RFC 7296 section 3.3.5); else 0.
    std::uint16_t fixed_key_bits;
    /// What IKE pads the plaintext to a multiple of; ESP pads to at least 4.
    std::size_t block;
    std::size_t iv;
    /// Taken from the key material behind the key (RFC 4106 section 8.1, RFC 5282 section 7.1). A
    /// cipher that has one wants a vector that never repeats, the others one that nobody foresees.
    std::size_t salt;
    /// Length of the tag for an AEAD, else 0.
    std::size_t icv;
    /// Not to be used where anything else can be.
    bool weak;
    /// Has no place in IKE.
    bool esp_only;

    bool allows_key(std::uint16_t bits) const;
};

struct PrfFacts {
    PseudoRandomFunction id;
    std::string_view name;
    /// Preferred key length and output length (RFC 7296 section 2.13); equal for all of these.
    std::size_t length;
    bool weak;
};

struct IntegrityFacts {
    IntegrityAlgorithm id;
    std::string_view name;
    std::size_t key;
    std::size_t icv;
    bool weak;
};

struct KeyExchangeFacts {
    KeyExchangeMethod id;
    std::string_view name;
    /// Length of the public value as it travels in a KE payload.
    std::size_t public_value;
    bool weak;
};

/// Nothing for an algorithm this build does not know.
const EncryptionFacts* facts(EncryptionAlgorithm id);
const PrfFacts* facts(PseudoRandomFunction id);
const IntegrityFacts* facts(IntegrityAlgorithm id);
const KeyExchangeFacts* facts(KeyExchangeMethod id);

/// A name for any transform a peer may send, known here or not: `AES_GCM_16_256`,
/// `HMAC_SHA2_256_128`, `CURVE_25519`, `KE(1234)`. For reports.
std::string transform_name(TransformType type, std::uint16_t id, std::optional<std::uint16_t> bits);
/// `ENCR`, `PRF`, `INTEG`, `KE`, `ESN`, `ADDKE1` to `ADDKE7` (RFC 9370), else `TYPE99`.
std::string transform_type_name(TransformType type);

} // namespace viaduct::policy
