// The cookies of one router as responder (RFC 7296 section 2.6): proof that the sender of a first
// request receives what is sent to its address, without keeping anything for it.
#pragma once

#include "ike/input.h"
#include "ike/wire/numbers.h"
#include "policy/ip_address.h"
#include "policy/secret.h"

#include <botan/rng.h>

#include <cstdint>
#include <span>
#include <vector>

namespace viaduct::ike {

/// A cookie is the number of a secret and a keyed hash of what stays the same in the repeated
/// request. Secrets change while cookies are given out; the one before is still accepted.
class Cookies {
public:
    static constexpr auto secret_time = std::chrono::seconds(30);

    std::vector<std::uint8_t> make(TimePoint now, Botan::RandomNumberGenerator& rng,
                                   wire::IkeSpi spi_i, const policy::IpAddress& peer,
                                   std::span<const std::uint8_t> nonce_i);

    /// Whether we gave this cookie to this peer for this request, at most two secret_times ago.
    bool accepts(TimePoint now, std::span<const std::uint8_t> cookie, wire::IkeSpi spi_i,
                 const policy::IpAddress& peer, std::span<const std::uint8_t> nonce_i) const;

private:
    struct Keyed {
        std::uint8_t number = 0;
        policy::Secret secret;
        TimePoint drawn{};
    };
    static bool usable(const Keyed& keyed, TimePoint now);

    Keyed current_;
    Keyed previous_;
};

} // namespace viaduct::ike
