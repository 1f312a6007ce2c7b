// Where the exceptions of the cryptographic library become results. For this folder only.
#pragma once

#include "ike/crypto/crypto_error.h"

#include <botan/exceptn.h>

#include <expected>
#include <utility>

namespace viaduct::ike::crypto {

/// What `call` returns, or the error that stands for what it threw. `call` returns an expected with
/// a CryptoError.
template <typename Call> auto call_library(Call&& call) -> decltype(call()) {
    try {
        return std::forward<Call>(call)();
    } catch (const Botan::Invalid_Authentication_Tag&) {
        return std::unexpected(CryptoError::integrity_check_failed);
    } catch (const Botan::Invalid_Key_Length&) {
        return std::unexpected(CryptoError::bad_length);
    } catch (const std::exception&) {
        return std::unexpected(CryptoError::library_failure);
    }
}

} // namespace viaduct::ike::crypto
