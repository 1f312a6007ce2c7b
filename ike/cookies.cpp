#include "ike/cookies.h"

#include "ike/crypto/cookie_hash.h"

#include <utility>

namespace viaduct::ike {

bool Cookies::usable(const Keyed& keyed, TimePoint now) {
    return !keyed.secret.empty() && now - keyed.drawn < 2 * secret_time;
}

std::vector<std::uint8_t> Cookies::make(TimePoint now, Botan::RandomNumberGenerator& rng,
                                        wire::IkeSpi spi_i, const policy::IpAddress& peer,
                                        std::span<const std::uint8_t> nonce_i) {
    if (current_.secret.empty() || now - current_.drawn >= secret_time) {
        const auto number = static_cast<std::uint8_t>(current_.number + 1);
        previous_ = std::exchange(current_, {number, policy::Secret(rng.random_vec(32)), now});
    }
    const auto hash = crypto::cookie_hash(current_.secret, spi_i, peer, nonce_i);
    std::vector<std::uint8_t> cookie{current_.number};
    cookie.insert(cookie.end(), hash.begin(), hash.end());
    return cookie;
}

bool Cookies::accepts(TimePoint now, std::span<const std::uint8_t> cookie, wire::IkeSpi spi_i,
                      const policy::IpAddress& peer, std::span<const std::uint8_t> nonce_i) const {
    if (cookie.empty())
        return false;
    for (const auto* keyed : {&current_, &previous_})
        if (usable(*keyed, now) && keyed->number == cookie.front())
            return crypto::is_cookie_hash(crypto::cookie_hash(keyed->secret, spi_i, peer, nonce_i),
                                          cookie.subspan(1));
    return false;
}

} // namespace viaduct::ike
