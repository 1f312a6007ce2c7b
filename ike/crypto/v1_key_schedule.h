// IKEv1's keys (RFC 2409 sections 5 and 5.5, appendix B). The functions are the RFC's formulas.
#pragma once

#include "ike/crypto/crypto_error.h"
#include "ike/wire/numbers.h"
#include "policy/child_sa.h"
#include "policy/proposal.h"
#include "policy/secret.h"

#include <expected>
#include <span>
#include <vector>

namespace viaduct::ike::crypto {

/// What phase 1 is about, in every formula: the public values and cookies of both sides, g^xy and
/// the nonces. Spans must outlive their use.
struct PhaseOneValues {
    wire::IkeSpi cookie_i{};
    wire::IkeSpi cookie_r{};
    std::span<const std::uint8_t> nonce_i;
    std::span<const std::uint8_t> nonce_r;
    std::span<const std::uint8_t> public_i;
    std::span<const std::uint8_t> public_r;
};

/// SKEYID, SKEYID_d, SKEYID_a and SKEYID_e (section 5).
struct SkeyIds {
    policy::Secret skeyid;
    policy::Secret d, a, e;
    friend bool operator==(const SkeyIds&, const SkeyIds&) = default;
};

/// With a pre-shared key: SKEYID = prf(psk, Ni_b | Nr_b).
std::expected<SkeyIds, CryptoError> derive_shared_key_skeyids(policy::PseudoRandomFunction prf,
                                                              const policy::Secret& psk,
                                                              const policy::Secret& shared_secret,
                                                              const PhaseOneValues& values);
/// With signatures: SKEYID = prf(Ni_b | Nr_b, g^xy).
std::expected<SkeyIds, CryptoError> derive_signature_skeyids(policy::PseudoRandomFunction prf,
                                                             const policy::Secret& shared_secret,
                                                             const PhaseOneValues& values);

/// The key of the cipher of phase 1, made of SKEYID_e (appendix B).
std::expected<policy::Secret, CryptoError> derive_cipher_key(const policy::IkeSuite& suite,
                                                             const policy::Secret& skeyid_e);

/// The first vector of phase 1: hash(g^xi | g^xr), cut to the cipher's block (appendix B).
std::expected<std::vector<std::uint8_t>, CryptoError> first_vector(const policy::IkeSuite& suite,
                                                                   const PhaseOneValues& values);
/// The first vector of an exchange under phase 1: hash(last block of phase 1 | message ID).
std::expected<std::vector<std::uint8_t>, CryptoError>
first_vector(const policy::IkeSuite& suite, std::span<const std::uint8_t> last_block_of_phase_one,
             wire::MessageId id);

/// The keys of the SA with this SPI, which is the one that its receiver chose (section 5.5):
/// KEYMAT = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b), as often as it takes.
/// `shared_secret` is empty without perfect forward secrecy.
std::expected<policy::EspKeys, CryptoError>
derive_quick_mode_keys(const policy::EspSuite& suite, policy::PseudoRandomFunction prf,
                       const policy::Secret& skeyid_d, const policy::Secret& shared_secret,
                       policy::ChildSpi spi, std::span<const std::uint8_t> nonce_i,
                       std::span<const std::uint8_t> nonce_r);

} // namespace viaduct::ike::crypto
