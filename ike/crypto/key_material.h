// Octets that become keys, for the key schedules of both versions. For this folder only.
#pragma once

#include "ike/crypto/crypto_error.h"
#include "ike/wire/numbers.h"
#include "policy/algorithm.h"
#include "policy/secret.h"

#include <botan/secmem.h>

#include <array>
#include <expected>
#include <initializer_list>
#include <span>

namespace viaduct::ike::crypto {

Botan::secure_vector<std::uint8_t>
concatenate(std::initializer_list<std::span<const std::uint8_t>> parts);

/// Network byte order, as it travels.
std::array<std::uint8_t, 8> octets_of(wire::IkeSpi spi);
std::array<std::uint8_t, 4> octets_of(std::uint32_t number);

/// In octets, the salt of an AEAD included.
struct KeyLengths {
    std::size_t encryption = 0;
    std::size_t integrity = 0;
};

/// Refuses what cannot be a suite, so that no key is ever empty by accident.
std::expected<KeyLengths, CryptoError> key_lengths(policy::EncryptionAlgorithm encryption,
                                                   std::uint16_t key_bits,
                                                   policy::IntegrityAlgorithm integrity);

/// Key material that is handed out from front to back.
class KeyMaterial {
public:
    explicit KeyMaterial(const policy::Secret& octets) : rest_(octets.expose()) {}
    policy::Secret take(std::size_t length) {
        policy::Secret key(rest_.first(length));
        rest_ = rest_.subspan(length);
        return key;
    }

private:
    std::span<const std::uint8_t> rest_;
};

} // namespace viaduct::ike::crypto
