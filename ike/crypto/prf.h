// The pseudorandom function and prf+ (RFC 7296 section 2.13).
#pragma once

#include "ike/crypto/crypto_error.h"
#include "policy/algorithm.h"
#include "policy/secret.h"

#include <expected>
#include <initializer_list>
#include <span>

namespace viaduct::ike::crypto {

/// prf(key, parts concatenated). Output has the PRF's length.
std::expected<policy::Secret, CryptoError>
prf(policy::PseudoRandomFunction function, std::span<const std::uint8_t> key,
    std::initializer_list<std::span<const std::uint8_t>> parts);

/// prf+(key, seed), `length` octets; `bad_length` beyond 255 blocks.
std::expected<policy::Secret, CryptoError> prf_plus(policy::PseudoRandomFunction function,
                                                    std::span<const std::uint8_t> key,
                                                    std::span<const std::uint8_t> seed,
                                                    std::size_t length);

} // namespace viaduct::ike::crypto
