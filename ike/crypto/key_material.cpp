#include "ike/crypto/key_material.h"

namespace viaduct::ike::crypto {

Botan::secure_vector<std::uint8_t>
concatenate(std::initializer_list<std::span<const std::uint8_t>> parts) {
    Botan::secure_vector<std::uint8_t> whole;
    for (auto part : parts) {
        whole.insert(whole.end(), part.begin(), part.end());
    }
    return whole;
}

std::array<std::uint8_t, 8> octets_of(wire::IkeSpi spi) {
    std::array<std::uint8_t, 8> octets{};
    auto value = static_cast<std::uint64_t>(spi);
    for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet, value >>= 8) {
        *octet = static_cast<std::uint8_t>(value);
    }
    return octets;
}

std::array<std::uint8_t, 4> octets_of(std::uint32_t number) {
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

std::expected<KeyLengths, CryptoError> key_lengths(policy::EncryptionAlgorithm encryption,
                                                   std::uint16_t key_bits,
                                                   policy::IntegrityAlgorithm integrity) {
    const auto* cipher = policy::facts(encryption);
    if (encryption == policy::EncryptionAlgorithm::none || !cipher ||
        !cipher->allows_key(key_bits)) {
        return std::unexpected(CryptoError::unsupported_algorithm);
    }
    const bool has_integrity = integrity != policy::IntegrityAlgorithm::none;
    const auto* hash = has_integrity ? policy::facts(integrity) : nullptr;
    if (cipher->aead == has_integrity || (has_integrity && !hash)) {
        return std::unexpected(CryptoError::unsupported_algorithm);
    }
    return KeyLengths{.encryption = key_bits / std::size_t{8} + cipher->salt,
                      .integrity = hash ? hash->key : 0};
}

} // namespace viaduct::ike::crypto
