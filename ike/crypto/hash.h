// Hash functions of the library by the PRF that is HMAC with them. For this folder only.
#pragma once

#include "policy/algorithm.h"

#include <botan/hash.h>

#include <memory>

namespace viaduct::ike::crypto {

/// RFC 2409 negotiates a hash; the PRF is HMAC with it. Nothing for a PRF that is no HMAC. May
/// throw what the library throws.
std::unique_ptr<Botan::HashFunction> make_hash(policy::PseudoRandomFunction function);

} // namespace viaduct::ike::crypto
