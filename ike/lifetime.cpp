#include "ike/lifetime.h"

#include <algorithm>
#include <array>

namespace viaduct::ike {

namespace {

/// A twentieth of the lifetime, where no margin is configured.
constexpr int default_margin_divisor = 20;

} // namespace

std::chrono::milliseconds between(std::chrono::milliseconds shortest,
                                  std::chrono::milliseconds longest,
                                  Botan::RandomNumberGenerator& rng) {
    std::array<std::uint8_t, 2> drawn;
    rng.randomize(drawn);
    const auto fraction = std::int64_t{drawn[0]} << 8 | drawn[1];
    return shortest + (longest - shortest) * fraction / 65536;
}

Lifetime lifetime_from(TimePoint now, std::chrono::seconds lifetime, const policy::RekeyTime& rekey,
                       Botan::RandomNumberGenerator& rng) {
    const std::chrono::milliseconds whole = lifetime;
    const auto margin =
        rekey.margin ? std::chrono::milliseconds(*rekey.margin) : whole / default_margin_divisor;
    const auto early = margin + between({}, margin * rekey.jitter / 100, rng);
    return {.replace_at = now + std::max(whole - early, whole / 2), .expire_at = now + whole};
}

} // namespace viaduct::ike
