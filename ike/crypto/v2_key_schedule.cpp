#include "ike/crypto/v2_key_schedule.h"

#include "ike/crypto/key_material.h"
#include "ike/crypto/prf.h"

namespace viaduct::ike::crypto {

namespace {

using Octets = std::span<const std::uint8_t>;

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
