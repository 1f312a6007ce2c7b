#include "ike/crypto/crypto_error.h"

namespace viaduct::ike::crypto {

std::string_view to_string(CryptoError error) {
    switch (error) {
    case CryptoError::unsupported_algorithm: return "unsupported algorithm";
    case CryptoError::bad_public_value: return "bad public value";
    case CryptoError::integrity_check_failed: return "integrity check failed";
    case CryptoError::bad_padding: return "bad padding";
    case CryptoError::bad_length: return "bad length";
    case CryptoError::library_failure: return "failure of the cryptographic library";
    }
    return "unknown cryptographic error";
}

} // namespace viaduct::ike::crypto
