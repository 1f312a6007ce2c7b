// The AUTH payload with a pre-shared key (RFC 7296 section 2.15).
#pragma once

#include "ike/crypto/crypto_error.h"
#include "ike/wire/v2_payload.h"
#include "policy/algorithm.h"
#include "policy/secret.h"

#include <expected>
#include <span>

namespace viaduct::ike::crypto {

/// What one side signs: its first message as sent, the other side's nonce, its identity.
struct SignedOctets {
    /// The whole IKE_SA_INIT datagram of the signer, from the header, without non-ESP marker.
    std::span<const std::uint8_t> first_message;
    std::span<const std::uint8_t> peer_nonce;
    /// SK_pi for the initiator, SK_pr for the responder.
    const policy::Secret& sk_p;
    const policy::Identity& identity;
};

/// AUTH = prf(prf(psk, "Key Pad for IKEv2"), <SignedOctets>).
std::expected<wire::Octets, CryptoError> shared_key_auth(policy::PseudoRandomFunction prf,
                                                         const policy::Secret& psk,
                                                         const SignedOctets& octets);

/// Compares in constant time.
bool verify_shared_key_auth(policy::PseudoRandomFunction prf, const policy::Secret& psk,
                            const SignedOctets& octets, std::span<const std::uint8_t> auth);

} // namespace viaduct::ike::crypto
