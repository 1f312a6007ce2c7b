#include "ike/lifetime.h"

#include <algorithm>
#include <array>

namespace viaduct::ike {

namespace {

/// A twentieth of the lifetime, where no margin is configured.
constexpr int default_margin_divisor = 20;
constexpr double default_volume_margin = 0.1;

/// From 0 to less than 65536.
std::int64_t draw(Botan::RandomNumberGenerator& rng) {
    std::array<std::uint8_t, 2> drawn;
    rng.randomize(drawn);
    return std::int64_t{drawn[0]} << 8 | drawn[1];
}

} // namespace

std::chrono::milliseconds between(std::chrono::milliseconds shortest,
                                  std::chrono::milliseconds longest,
                                  Botan::RandomNumberGenerator& rng) {
    return shortest + (longest - shortest) * draw(rng) / 65536;
}

Lifetime lifetime_from(TimePoint now, std::chrono::seconds lifetime, const policy::RekeyTime& rekey,
                       Botan::RandomNumberGenerator& rng) {
    const std::chrono::milliseconds whole = lifetime;
    const auto margin =
        rekey.margin ? std::chrono::milliseconds(*rekey.margin) : whole / default_margin_divisor;
    const auto early = margin + between({}, margin * rekey.jitter / 100, rng);
    return {.replace_at = now + std::max(whole - early, whole / 2), .expire_at = now + whole};
}

policy::VolumeLimit soft_volume(const policy::VolumeLimit& hard, std::chrono::seconds lifetime,
                                const policy::RekeyTime& rekey, Botan::RandomNumberGenerator& rng) {
    if (hard == policy::VolumeLimit{})
        return {};
    const double margin = rekey.margin && lifetime > std::chrono::seconds::zero()
                              ? std::chrono::duration<double>(*rekey.margin) / lifetime
                              : default_volume_margin;
    const double jitter = rekey.jitter / 100.0 * static_cast<double>(draw(rng)) / 65536;
    const double part = std::clamp(1 - margin * (1 + jitter), 0.5, 1.0);
    const auto of = [part](std::uint64_t limit) {
        return static_cast<std::uint64_t>(part * static_cast<double>(limit));
    };
    return {of(hard.bytes), of(hard.packets)};
}

} // namespace viaduct::ike
