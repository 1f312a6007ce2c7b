// HMAC of the library by the numbers of IKE's transforms. For this folder only.
#pragma once

#include "policy/algorithm.h"

#include <botan/mac.h>

#include <memory>

namespace viaduct::ike::crypto {

/// An HMAC without a key; nothing for an algorithm that is not one. May throw what the library
/// throws.
std::unique_ptr<Botan::MessageAuthenticationCode> make_hmac(policy::PseudoRandomFunction function);
std::unique_ptr<Botan::MessageAuthenticationCode> make_hmac(policy::IntegrityAlgorithm algorithm);

} // namespace viaduct::ike::crypto
