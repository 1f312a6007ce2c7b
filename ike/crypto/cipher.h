// The ciphers of IKE itself by their numbers. For this folder only.
#pragma once

#include "policy/algorithm.h"

#include <botan/cipher_mode.h>

#include <memory>

namespace viaduct::ike::crypto {

/// A cipher without padding of its own and without a key; nothing for an algorithm that IKE does
/// not protect itself with. May throw what the library throws.
std::unique_ptr<Botan::Cipher_Mode> make_cipher(policy::EncryptionAlgorithm algorithm,
                                                std::uint16_t key_bits,
                                                Botan::Cipher_Dir direction);

} // namespace viaduct::ike::crypto
