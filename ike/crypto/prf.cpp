#include "ike/crypto/prf.h"

#include "ike/crypto/hmac.h"
#include "ike/crypto/library_call.h"

namespace viaduct::ike::crypto {

using Derived = std::expected<policy::Secret, CryptoError>;

Derived prf(policy::PseudoRandomFunction function, std::span<const std::uint8_t> key,
            std::initializer_list<std::span<const std::uint8_t>> parts) {
    return call_library([&]() -> Derived {
        auto mac = make_hmac(function);
        if (!mac) {
            return std::unexpected(CryptoError::unsupported_algorithm);
        }
        mac->set_key(key);
        for (auto part : parts) {
            mac->update(part);
        }
        return policy::Secret(mac->final());
    });
}

Derived prf_plus(policy::PseudoRandomFunction function, std::span<const std::uint8_t> key,
                 std::span<const std::uint8_t> seed, std::size_t length) {
    return call_library([&]() -> Derived {
        auto mac = make_hmac(function);
        if (!mac) {
            return std::unexpected(CryptoError::unsupported_algorithm);
        }
        const std::size_t block = mac->output_length();
        // RFC 7296 2.13: prf+ is not defined beyond 255 times the size of the prf output.
        if (length > 255 * block) {
            return std::unexpected(CryptoError::bad_length);
        }
        mac->set_key(key);
        Botan::secure_vector<std::uint8_t> stream((length + block - 1) / block * block);
        std::span<std::uint8_t> previous;
        for (std::size_t done = 0; done < stream.size(); done += block) {
            mac->update(previous);
            mac->update(seed);
            mac->update(static_cast<std::uint8_t>(done / block + 1));
            previous = std::span(stream).subspan(done, block);
            mac->final(previous);
        }
        stream.resize(length);
        return policy::Secret(std::move(stream));
    });
}

} // namespace viaduct::ike::crypto
