#include "ike/crypto/v1_key_schedule.h"

#include "ike/crypto/hash.h"
#include "ike/crypto/key_material.h"
#include "ike/crypto/library_call.h"
#include "ike/crypto/prf.h"

#include <array>

namespace viaduct::ike::crypto {

namespace {

using Octets = std::span<const std::uint8_t>;
using Key = std::expected<policy::Secret, CryptoError>;
using Vector = std::expected<std::vector<std::uint8_t>, CryptoError>;

/// prf(key, earlier | g^xy | CKY-I | CKY-R | number)
Key derivative(policy::PseudoRandomFunction function, const policy::Secret& skeyid, Octets earlier,
               const policy::Secret& shared_secret, const PhaseOneValues& values,
               std::uint8_t number) {
    return prf(function, skeyid.expose(),
               {earlier, shared_secret.expose(), octets_of(values.cookie_i),
                octets_of(values.cookie_r), std::array{number}});
}

std::expected<SkeyIds, CryptoError> derivatives(policy::PseudoRandomFunction function, Key skeyid,
                                                const policy::Secret& shared_secret,
                                                const PhaseOneValues& values) {
    if (!skeyid) {
        return std::unexpected(skeyid.error());
    }
    SkeyIds keys{.skeyid = std::move(*skeyid), .d = {}, .a = {}, .e = {}};
    Octets earlier;
    std::uint8_t number = 0;
    for (auto* each : {&keys.d, &keys.a, &keys.e}) {
        auto made = derivative(function, keys.skeyid, earlier, shared_secret, values, number++);
        if (!made) {
            return std::unexpected(made.error());
        }
        *each = std::move(*made);
        earlier = each->expose();
    }
    return keys;
}

/// K1 | K2 | …, where K1 = prf(key, first) and each next one is prf(key, last | following).
Key expand(policy::PseudoRandomFunction function, const policy::Secret& key, Octets first,
           Octets following, std::size_t length) {
    Botan::secure_vector<std::uint8_t> stream;
    auto block = prf(function, key.expose(), {first});
    while (block) {
        const auto octets = block->expose();
        stream.insert(stream.end(), octets.begin(), octets.end());
        if (stream.size() >= length) {
            stream.resize(length);
            return policy::Secret(std::move(stream));
        }
        block = prf(function, key.expose(), {octets, following});
    }
    return block;
}

Vector hashed(const policy::IkeSuite& suite, std::initializer_list<Octets> parts) {
    const auto* cipher = policy::facts(suite.encryption);
    return call_library([&]() -> Vector {
        const auto hash = make_hash(suite.prf);
        if (!hash || !cipher || cipher->aead) {
            return std::unexpected(CryptoError::unsupported_algorithm);
        }
        for (auto part : parts) {
            hash->update(part);
        }
        auto vector = hash->final_stdvec();
        vector.resize(cipher->block);
        return vector;
    });
}

} // namespace

std::expected<SkeyIds, CryptoError> derive_shared_key_skeyids(policy::PseudoRandomFunction function,
                                                              const policy::Secret& psk,
                                                              const policy::Secret& shared_secret,
                                                              const PhaseOneValues& values) {
    return derivatives(function, prf(function, psk.expose(), {values.nonce_i, values.nonce_r}),
                       shared_secret, values);
}

std::expected<SkeyIds, CryptoError> derive_signature_skeyids(policy::PseudoRandomFunction function,
                                                             const policy::Secret& shared_secret,
                                                             const PhaseOneValues& values) {
    const auto nonces = concatenate({values.nonce_i, values.nonce_r});
    return derivatives(function, prf(function, nonces, {shared_secret.expose()}), shared_secret,
                       values);
}

Key derive_cipher_key(const policy::IkeSuite& suite, const policy::Secret& skeyid_e) {
    const auto* cipher = policy::facts(suite.encryption);
    if (!cipher || cipher->aead || !cipher->allows_key(suite.key_bits)) {
        return std::unexpected(CryptoError::unsupported_algorithm);
    }
    const std::size_t length = suite.key_bits / std::size_t{8};
    // RFC 2409 B: SKEYID_e itself where it is long enough, else K1 = prf(SKEYID_e, 0).
    if (skeyid_e.size() >= length) {
        return policy::Secret(skeyid_e.expose().first(length));
    }
    return expand(suite.prf, skeyid_e, std::array<std::uint8_t, 1>{0}, {}, length);
}

Vector first_vector(const policy::IkeSuite& suite, const PhaseOneValues& values) {
    return hashed(suite, {values.public_i, values.public_r});
}

Vector first_vector(const policy::IkeSuite& suite, Octets last_block_of_phase_one,
                    wire::MessageId id) {
    return hashed(suite, {last_block_of_phase_one, octets_of(static_cast<std::uint32_t>(id))});
}

std::expected<policy::EspKeys, CryptoError>
derive_quick_mode_keys(const policy::EspSuite& suite, policy::PseudoRandomFunction function,
                       const policy::Secret& skeyid_d, const policy::Secret& shared_secret,
                       policy::ChildSpi spi, Octets nonce_i, Octets nonce_r) {
    const auto lengths = key_lengths(suite.encryption, suite.key_bits, suite.integrity);
    if (!lengths) {
        return std::unexpected(lengths.error());
    }
    // RFC 2407 4.4.1: PROTO_IPSEC_ESP, the same number as IKEv2's.
    const std::array protocol{static_cast<std::uint8_t>(policy::ProtocolId::esp)};
    const auto seed = concatenate({shared_secret.expose(), protocol,
                                   octets_of(static_cast<std::uint32_t>(spi)), nonce_i, nonce_r});
    const auto octets =
        expand(function, skeyid_d, seed, seed, lengths->encryption + lengths->integrity);
    if (!octets) {
        return std::unexpected(octets.error());
    }
    KeyMaterial material(*octets);
    policy::EspKeys keys;
    keys.encryption = material.take(lengths->encryption);
    keys.integrity = material.take(lengths->integrity);
    return keys;
}

} // namespace viaduct::ike::crypto
