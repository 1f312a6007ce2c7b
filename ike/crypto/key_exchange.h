// Diffie-Hellman in the groups we negotiate (RFC 3526, 5903, 8031).
#pragma once

#include "ike/crypto/crypto_error.h"
#include "policy/algorithm.h"
#include "policy/secret.h"

#include <botan/rng.h>

#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace viaduct::ike::crypto {

/// Whether agree() would take this value of a peer's, found out without a key pair: far cheaper,
/// for what anybody may send.
bool is_public_value(policy::KeyExchangeMethod method, std::span<const std::uint8_t> value);

/// One ephemeral key pair. Public values have exactly the length that the KE payload carries: MODP
/// values padded to the modulus (RFC 7296 section 3.4), x||y for ECP (RFC 5903 section 7), 32
/// octets for curve25519 (RFC 8031 section 2).
class KeyExchange {
public:
    static std::expected<KeyExchange, CryptoError> generate(policy::KeyExchangeMethod method,
                                                            Botan::RandomNumberGenerator& rng);
    KeyExchange(KeyExchange&&) noexcept;
    KeyExchange& operator=(KeyExchange&&) noexcept;
    ~KeyExchange();

    policy::KeyExchangeMethod method() const { return method_; }
    std::span<const std::uint8_t> public_value() const { return public_value_; }

    /// g^ir as RFC 7296 section 2.14 wants it: padded to the modulus, the x coordinate for ECP
    /// (RFC 5903 section 9). `bad_public_value` for anything RFC 6989 section 2 refuses and for an
    /// all-zero curve25519 result.
    std::expected<policy::Secret, CryptoError> agree(std::span<const std::uint8_t> peer_public,
                                                     Botan::RandomNumberGenerator& rng) const;

private:
    struct PrivateKey;
    KeyExchange(policy::KeyExchangeMethod method, std::unique_ptr<PrivateKey> private_key,
                std::vector<std::uint8_t> public_value);

    policy::KeyExchangeMethod method_;
    std::unique_ptr<PrivateKey> private_key_;
    std::vector<std::uint8_t> public_value_;
};

} // namespace viaduct::ike::crypto
