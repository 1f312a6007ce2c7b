#include "ike/crypto/v1_encryption.h"

#include "ike/crypto/cipher.h"
#include "ike/crypto/library_call.h"

#include <botan/secmem.h>

namespace viaduct::ike::crypto {

namespace {

using Octets = std::span<const std::uint8_t>;
using Chained = std::expected<ChainedText, CryptoError>;

/// What is encrypted or decrypted as a whole; throws what the library throws.
std::vector<std::uint8_t> apply(const policy::IkeSuite& suite, Botan::Cipher_Dir direction,
                                const policy::Secret& key, Octets vector, Octets text) {
    const auto cipher = make_cipher(suite.encryption, suite.key_bits, direction);
    cipher->set_key(key.expose());
    cipher->start(vector);
    Botan::secure_vector<std::uint8_t> buffer(text.begin(), text.end());
    cipher->finish(buffer);
    return {buffer.begin(), buffer.end()};
}

/// The block of the cipher; 0 for one that cannot protect IKEv1.
std::size_t block_of(const policy::IkeSuite& suite, const policy::Secret& key, Octets vector) {
    const auto* cipher = policy::facts(suite.encryption);
    const bool usable = suite.encryption != policy::EncryptionAlgorithm::none && cipher &&
                        !cipher->aead && cipher->allows_key(suite.key_bits) &&
                        key.size() == suite.key_bits / std::size_t{8} &&
                        vector.size() == cipher->iv;
    return usable ? cipher->block : 0;
}

std::vector<std::uint8_t> last_block(Octets ciphertext, std::size_t block) {
    const auto last = ciphertext.last(block);
    return {last.begin(), last.end()};
}

} // namespace

Chained encrypt_v1_message(const policy::IkeSuite& suite, const policy::Secret& key, Octets vector,
                           Octets payloads) {
    return call_library([&]() -> Chained {
        const auto block = block_of(suite, key, vector);
        if (block == 0) {
            return std::unexpected(CryptoError::unsupported_algorithm);
        }
        if (payloads.empty()) {
            return std::unexpected(CryptoError::bad_length);
        }
        std::vector<std::uint8_t> padded(payloads.begin(), payloads.end());
        padded.resize((padded.size() + block - 1) / block * block);
        auto text = apply(suite, Botan::Cipher_Dir::Encryption, key, vector, padded);
        auto next = last_block(text, block);
        return ChainedText{std::move(text), std::move(next)};
    });
}

Chained decrypt_v1_message(const policy::IkeSuite& suite, const policy::Secret& key, Octets vector,
                           Octets ciphertext) {
    return call_library([&]() -> Chained {
        const auto block = block_of(suite, key, vector);
        if (block == 0) {
            return std::unexpected(CryptoError::unsupported_algorithm);
        }
        if (ciphertext.empty() || ciphertext.size() % block != 0) {
            return std::unexpected(CryptoError::bad_length);
        }
        auto text = apply(suite, Botan::Cipher_Dir::Decryption, key, vector, ciphertext);
        return ChainedText{std::move(text), last_block(ciphertext, block)};
    });
}

} // namespace viaduct::ike::crypto
