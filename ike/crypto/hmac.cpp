#include "ike/crypto/hmac.h"

namespace viaduct::ike::crypto {

using Mac = Botan::MessageAuthenticationCode;

namespace {

// Copying a prototype is three times cheaper than finding the algorithm by its name.
std::unique_ptr<Mac> hmac_sha1() {
    static const std::unique_ptr<const Mac> prototype = Mac::create_or_throw("HMAC(SHA-1)");
    return prototype->new_object();
}

std::unique_ptr<Mac> hmac_sha2_256() {
    static const std::unique_ptr<const Mac> prototype = Mac::create_or_throw("HMAC(SHA-256)");
    return prototype->new_object();
}

std::unique_ptr<Mac> hmac_sha2_384() {
    static const std::unique_ptr<const Mac> prototype = Mac::create_or_throw("HMAC(SHA-384)");
    return prototype->new_object();
}

std::unique_ptr<Mac> hmac_sha2_512() {
    static const std::unique_ptr<const Mac> prototype = Mac::create_or_throw("HMAC(SHA-512)");
    return prototype->new_object();
}

} // namespace

std::unique_ptr<Mac> make_hmac(policy::PseudoRandomFunction function) {
    switch (function) {
    case policy::PseudoRandomFunction::none: return nullptr;
    case policy::PseudoRandomFunction::hmac_sha1: return hmac_sha1();
    case policy::PseudoRandomFunction::hmac_sha2_256: return hmac_sha2_256();
    case policy::PseudoRandomFunction::hmac_sha2_384: return hmac_sha2_384();
    case policy::PseudoRandomFunction::hmac_sha2_512: return hmac_sha2_512();
    }
    return nullptr;
}

std::unique_ptr<Mac> make_hmac(policy::IntegrityAlgorithm algorithm) {
    switch (algorithm) {
    case policy::IntegrityAlgorithm::none:
    case policy::IntegrityAlgorithm::hmac_sha2_256_96: return nullptr;
    case policy::IntegrityAlgorithm::hmac_sha1_96: return hmac_sha1();
    case policy::IntegrityAlgorithm::hmac_sha2_256_128: return hmac_sha2_256();
    case policy::IntegrityAlgorithm::hmac_sha2_384_192: return hmac_sha2_384();
    case policy::IntegrityAlgorithm::hmac_sha2_512_256: return hmac_sha2_512();
    }
    return nullptr;
}

} // namespace viaduct::ike::crypto
