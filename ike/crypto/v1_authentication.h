// The hashes that authenticate IKEv1's exchanges (RFC 2409 sections 5, 5.5 and 5.7), and the one
// that finds NATs (RFC 3947 section 3.2). The functions are the RFCs' formulas.
#pragma once

#include "ike/crypto/v1_key_schedule.h"
#include "policy/ip_address.h"

#include <expected>
#include <span>
#include <vector>

namespace viaduct::ike::crypto {

/// HASH_I, or HASH_R. `sa_body` is SAi_b and `id_body` the sender's identification, both without
/// the generic payload header. With signatures this is what is signed.
enum class HashSender : std::uint8_t { initiator, responder };
std::expected<std::vector<std::uint8_t>, CryptoError>
phase_one_hash(HashSender sender, policy::PseudoRandomFunction prf, const policy::Secret& skeyid,
               const PhaseOneValues& values, std::span<const std::uint8_t> sa_body,
               std::span<const std::uint8_t> id_body);

/// HASH(1) of quick mode and of informational exchanges: prf(SKEYID_a, M-ID | rest), where `rest`
/// is everything behind the hash payload as it was sent, without padding.
std::expected<std::vector<std::uint8_t>, CryptoError>
first_hash(policy::PseudoRandomFunction prf, const policy::Secret& skeyid_a, wire::MessageId id,
           std::span<const std::uint8_t> rest);
/// HASH(2) of quick mode: prf(SKEYID_a, M-ID | Ni_b | rest).
std::expected<std::vector<std::uint8_t>, CryptoError>
second_hash(policy::PseudoRandomFunction prf, const policy::Secret& skeyid_a, wire::MessageId id,
            std::span<const std::uint8_t> nonce_i, std::span<const std::uint8_t> rest);
/// HASH(3) of quick mode: prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b).
std::expected<std::vector<std::uint8_t>, CryptoError>
third_hash(policy::PseudoRandomFunction prf, const policy::Secret& skeyid_a, wire::MessageId id,
           std::span<const std::uint8_t> nonce_i, std::span<const std::uint8_t> nonce_r);

/// HASH(CKY-I | CKY-R | address | port) with the negotiated hash: the content of NAT-D.
std::expected<std::vector<std::uint8_t>, CryptoError>
v1_nat_detection_hash(policy::PseudoRandomFunction prf, wire::IkeSpi cookie_i,
                      wire::IkeSpi cookie_r, const policy::UdpEndpoint& endpoint);

/// Compares in constant time; false for another length.
bool is_same_hash(std::span<const std::uint8_t> expected, std::span<const std::uint8_t> received);

} // namespace viaduct::ike::crypto
