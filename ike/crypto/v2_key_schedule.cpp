#include "ike/crypto/v2_key_schedule.h"

#include "ike/crypto/prf.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace viaduct::ike::crypto {

namespace {

using Octets = std::span<const std::uint8_t>;
using SecureOctets = Botan::secure_vector<std::uint8_t>;

SecureOctets concatenate(std::initializer_list<Octets> parts) {
    SecureOctets whole;
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

struct KeyLengths {
    std::size_t encryption = 0;
    std::size_t integrity = 0;
};

bool allows_key(const policy::EncryptionFacts& facts, std::uint16_t bits) {
    return bits != 0 && std::ranges::contains(facts.key_bits, bits);
}

/// Refuses what cannot be a suite, so that no key is ever empty by accident.
std::expected<KeyLengths, CryptoError> key_lengths(policy::EncryptionAlgorithm encryption,
                                                   std::uint16_t key_bits,
                                                   policy::IntegrityAlgorithm integrity) {
    const auto* cipher = policy::facts(encryption);
    if (encryption == policy::EncryptionAlgorithm::none || !cipher ||
        !allows_key(*cipher, key_bits)) {
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
    Octets rest_;
};

/// {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr)
std::expected<IkeKeys, CryptoError> expand(const policy::IkeSuite& suite,
                                           const policy::Secret& skeyseed, Octets nonce_i,
                                           Octets nonce_r, wire::IkeSpi spi_i, wire::IkeSpi spi_r) {
    const auto* function = policy::facts(suite.prf);
    const auto lengths = key_lengths(suite.encryption, suite.key_bits, suite.integrity);
    if (!function || !lengths) {
        return std::unexpected(CryptoError::unsupported_algorithm);
    }
    const auto seed = concatenate({nonce_i, nonce_r, octets_of(spi_i), octets_of(spi_r)});
    const auto total = 3 * function->length + 2 * lengths->integrity + 2 * lengths->encryption;
    const auto octets = prf_plus(suite.prf, skeyseed.expose(), seed, total);
    if (!octets) {
        return std::unexpected(octets.error());
    }
    KeyMaterial material(*octets);
    IkeKeys keys;
    keys.d = material.take(function->length);
    keys.ai = material.take(lengths->integrity);
    keys.ar = material.take(lengths->integrity);
    keys.ei = material.take(lengths->encryption);
    keys.er = material.take(lengths->encryption);
    keys.pi = material.take(function->length);
    keys.pr = material.take(function->length);
    return keys;
}

} // namespace

std::expected<IkeKeys, CryptoError> derive_ike_keys(const policy::IkeSuite& suite,
                                                    const policy::Secret& shared_secret,
                                                    Octets nonce_i, Octets nonce_r,
                                                    wire::IkeSpi spi_i, wire::IkeSpi spi_r) {
    const auto nonces = concatenate({nonce_i, nonce_r});
    return prf(suite.prf, nonces, {shared_secret.expose()})
        .and_then([&](const policy::Secret& skeyseed) {
            return expand(suite, skeyseed, nonce_i, nonce_r, spi_i, spi_r);
        });
}

std::expected<IkeKeys, CryptoError>
derive_rekeyed_ike_keys(const policy::IkeSuite& suite, policy::PseudoRandomFunction old_prf,
                        const policy::Secret& old_d, const policy::Secret& shared_secret,
                        Octets nonce_i, Octets nonce_r, wire::IkeSpi spi_i, wire::IkeSpi spi_r) {
    return prf(old_prf, old_d.expose(), {shared_secret.expose(), nonce_i, nonce_r})
        .and_then([&](const policy::Secret& skeyseed) {
            return expand(suite, skeyseed, nonce_i, nonce_r, spi_i, spi_r);
        });
}

std::expected<ChildKeys, CryptoError> derive_child_keys(const policy::EspSuite& suite,
                                                        policy::PseudoRandomFunction prf,
                                                        const policy::Secret& d,
                                                        const policy::Secret& shared_secret,
                                                        Octets nonce_i, Octets nonce_r) {
    const auto lengths = key_lengths(suite.encryption, suite.key_bits, suite.integrity);
    if (!lengths) {
        return std::unexpected(lengths.error());
    }
    const auto seed = concatenate({shared_secret.expose(), nonce_i, nonce_r});
    const auto total = 2 * (lengths->encryption + lengths->integrity);
    const auto octets = prf_plus(prf, d.expose(), seed, total);
    if (!octets) {
        return std::unexpected(octets.error());
    }
    KeyMaterial material(*octets);
    ChildKeys keys;
    for (auto* direction : {&keys.initiator, &keys.responder}) {
        direction->encryption = material.take(lengths->encryption);
        direction->integrity = material.take(lengths->integrity);
    }
    return keys;
}

} // namespace viaduct::ike::crypto
