#include "ike/crypto/cipher.h"

#include <string>

namespace viaduct::ike::crypto {

std::unique_ptr<Botan::Cipher_Mode> make_cipher(policy::EncryptionAlgorithm algorithm,
                                                std::uint16_t key_bits,
                                                Botan::Cipher_Dir direction) {
    const auto aes = "AES-" + std::to_string(key_bits);
    switch (algorithm) {
    case policy::EncryptionAlgorithm::none:
    case policy::EncryptionAlgorithm::null_auth_aes_gmac: return nullptr;
    case policy::EncryptionAlgorithm::triple_des_cbc:
        return Botan::Cipher_Mode::create_or_throw("TripleDES/CBC/NoPadding", direction);
    case policy::EncryptionAlgorithm::aes_cbc:
        return Botan::Cipher_Mode::create_or_throw(aes + "/CBC/NoPadding", direction);
    case policy::EncryptionAlgorithm::aes_ctr:
        return Botan::Cipher_Mode::create_or_throw("CTR-BE(" + aes + ")", direction);
    // RFC 5282 7.2: the nonce has 11 octets, which leaves 4 to the length.
    case policy::EncryptionAlgorithm::aes_ccm_8:
        return Botan::Cipher_Mode::create_or_throw(aes + "/CCM(8,4)", direction);
    case policy::EncryptionAlgorithm::aes_ccm_12:
        return Botan::Cipher_Mode::create_or_throw(aes + "/CCM(12,4)", direction);
    case policy::EncryptionAlgorithm::aes_ccm_16:
        return Botan::Cipher_Mode::create_or_throw(aes + "/CCM(16,4)", direction);
    case policy::EncryptionAlgorithm::aes_gcm_8:
        return Botan::Cipher_Mode::create_or_throw(aes + "/GCM(8)", direction);
    case policy::EncryptionAlgorithm::aes_gcm_12:
        return Botan::Cipher_Mode::create_or_throw(aes + "/GCM(12)", direction);
    case policy::EncryptionAlgorithm::aes_gcm_16:
        return Botan::Cipher_Mode::create_or_throw(aes + "/GCM(16)", direction);
    case policy::EncryptionAlgorithm::chacha20_poly1305:
        return Botan::Cipher_Mode::create_or_throw("ChaCha20Poly1305", direction);
    }
    return nullptr;
}

} // namespace viaduct::ike::crypto
