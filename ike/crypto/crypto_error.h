// What can go wrong in cryptography; exceptions of the library end here.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::ike::crypto {

enum class CryptoError : std::uint8_t {
    unsupported_algorithm, ///< this build has no implementation for it
    bad_public_value,      ///< wrong length, not on the curve, in a small subgroup, or zero
    integrity_check_failed,
    bad_padding,
    bad_length,
    library_failure, ///< the library refused; a local fault
};

std::string_view to_string(CryptoError error);

} // namespace viaduct::ike::crypto
