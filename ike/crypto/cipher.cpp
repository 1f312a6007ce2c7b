#include "ike/crypto/cipher.h"

#include <string>

namespace viaduct::ike::crypto {

std::unique_ptr<Botan::Cipher_Mode> make_cipher(policy::EncryptionAlgorithm algorithm,
                                                std::uint16_t key_bits,
                                                Botan::Cipher_Dir direction) {
    const auto aes = "AES-" + std::to_string(key_bits);
    switch (algorithm) {
    case policy::EncryptionAlgorithm::none: return nullptr;
    case policy::EncryptionAlgorithm::triple_des_cbc:
        return Botan::Cipher_Mode::create_or_throw("TripleDES/CBC/NoPadding", direction);
    case policy::EncryptionAlgorithm::aes_cbc:
        return Botan::Cipher_Mode::create_or_throw(aes + "/CBC/NoPadding", direction);
    case policy::EncryptionAlgorithm::aes_gcm_16:
        return Botan::Cipher_Mode::create_or_throw(aes + "/GCM(16)", direction);
    }
    return nullptr;
}

} // namespace viaduct::ike::crypto
