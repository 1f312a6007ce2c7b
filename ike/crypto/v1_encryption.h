// Encrypting and decrypting the messages of an IKEv1 phase 1 (RFC 2409 appendix B): CBC whose
// vectors chain from one message of an exchange to the next. It protects nothing by itself; the
// hashes do (v1_authentication).
#pragma once

#include "ike/crypto/crypto_error.h"
#include "policy/proposal.h"
#include "policy/secret.h"

#include <expected>
#include <span>
#include <vector>

namespace viaduct::ike::crypto {

/// What a message becomes, and the vector of the next message of the exchange: the last block of
/// the ciphertext.
struct ChainedText {
    std::vector<std::uint8_t> text;
    std::vector<std::uint8_t> next_vector;
};

/// Pads `payloads` with zeros to whole blocks first.
std::expected<ChainedText, CryptoError> encrypt_v1_message(const policy::IkeSuite& suite,
                                                           const policy::Secret& key,
                                                           std::span<const std::uint8_t> vector,
                                                           std::span<const std::uint8_t> payloads);

/// Whatever follows the last payload in the text is padding. `bad_length` when the ciphertext is
/// empty or no whole number of blocks.
std::expected<ChainedText, CryptoError>
decrypt_v1_message(const policy::IkeSuite& suite, const policy::Secret& key,
                   std::span<const std::uint8_t> vector, std::span<const std::uint8_t> ciphertext);

} // namespace viaduct::ike::crypto
