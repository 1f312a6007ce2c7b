#include "ike/crypto/hash.h"

namespace viaduct::ike::crypto {

std::unique_ptr<Botan::HashFunction> make_hash(policy::PseudoRandomFunction function) {
    using policy::PseudoRandomFunction;
    switch (function) {
    case PseudoRandomFunction::none: return nullptr;
    case PseudoRandomFunction::hmac_sha1: return Botan::HashFunction::create_or_throw("SHA-1");
    case PseudoRandomFunction::hmac_sha2_256:
        return Botan::HashFunction::create_or_throw("SHA-256");
    case PseudoRandomFunction::hmac_sha2_384:
        return Botan::HashFunction::create_or_throw("SHA-384");
    case PseudoRandomFunction::hmac_sha2_512:
        return Botan::HashFunction::create_or_throw("SHA-512");
    }
    return nullptr;
}

} // namespace viaduct::ike::crypto
