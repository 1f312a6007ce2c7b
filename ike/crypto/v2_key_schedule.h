// IKEv2's keys (RFC 7296 sections 2.14, 2.17 and 2.18). The functions are the RFC's formulas.
#pragma once

#include "ike/crypto/crypto_error.h"
#include "ike/wire/numbers.h"
#include "policy/child_sa.h"
#include "policy/proposal.h"
#include "policy/secret.h"

#include <expected>
#include <span>

namespace viaduct::ike::crypto {

/// The seven keys of an IKE SA. SK_e* carry the salt of an AEAD behind the key; SK_a* are empty
/// with an AEAD.
struct IkeKeys {
    policy::Secret d;
    policy::Secret ai, ar;
    policy::Secret ei, er;
    policy::Secret pi, pr;
    friend bool operator==(const IkeKeys&, const IkeKeys&) = default;
};

/// SKEYSEED = prf(Ni | Nr, g^ir) and the seven keys (section 2.14).
std::expected<IkeKeys, CryptoError> derive_ike_keys(const policy::IkeSuite& suite,
                                                    const policy::Secret& shared_secret,
                                                    std::span<const std::uint8_t> nonce_i,
                                                    std::span<const std::uint8_t> nonce_r,
                                                    wire::IkeSpi spi_i, wire::IkeSpi spi_r);

/// The same after a rekey: SKEYSEED = prf(SK_d of the old SA, g^ir | Ni | Nr), with the old SA's
/// prf (section 2.18).
std::expected<IkeKeys, CryptoError> derive_rekeyed_ike_keys(const policy::IkeSuite& suite,
                                                            policy::PseudoRandomFunction old_prf,
                                                            const policy::Secret& old_d,
                                                            const policy::Secret& shared_secret,
                                                            std::span<const std::uint8_t> nonce_i,
                                                            std::span<const std::uint8_t> nonce_r,
                                                            wire::IkeSpi spi_i, wire::IkeSpi spi_r);

/// Of a child SA, named by who sends with them.
struct ChildKeys {
    policy::EspKeys initiator;
    policy::EspKeys responder;
};

/// KEYMAT = prf+(SK_d, [g^ir |] Ni | Nr), cut as section 2.17 says: encryption before integrity,
/// initiator to responder first. `shared_secret` is empty without a key exchange.
std::expected<ChildKeys, CryptoError>
derive_child_keys(const policy::EspSuite& suite, policy::PseudoRandomFunction prf,
                  const policy::Secret& d, const policy::Secret& shared_secret,
                  std::span<const std::uint8_t> nonce_i, std::span<const std::uint8_t> nonce_r);

} // namespace viaduct::ike::crypto
