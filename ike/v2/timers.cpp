#include "ike/v2/timers.h"

#include "ike/v2/rekey_child.h"

#include <algorithm>
#include <array>

namespace viaduct::ike::v2 {

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

std::chrono::milliseconds passing_failure_wait(Botan::RandomNumberGenerator& rng) {
    return between(std::chrono::seconds(1), std::chrono::seconds(3), rng);
}

Lifetime lifetime_from(TimePoint now, std::chrono::seconds lifetime, const policy::RekeyTime& rekey,
                       Botan::RandomNumberGenerator& rng) {
    const std::chrono::milliseconds whole = lifetime;
    const auto margin =
        rekey.margin ? std::chrono::milliseconds(*rekey.margin) : whole / default_margin_divisor;
    const auto early = margin + between({}, margin * rekey.jitter / 100, rng);
    return {.replace_at = now + std::max(whole - early, whole / 2), .expire_at = now + whole};
}

std::optional<TimePoint> liveness_due(const Established& sa) {
    const auto interval = sa.connection->dpd.interval;
    if (interval == std::chrono::seconds::zero() || sa.under_way)
        return std::nullopt;
    // The kernel was asked in this round already: it has a moment to say that traffic came in.
    if (sa.traffic_asked && *sa.traffic_asked >= sa.last_heard + interval)
        return *sa.traffic_asked + traffic_answer_time;
    return sa.last_heard + interval;
}

TimePoint next_deadline(const Established& sa) {
    auto earliest = sa.expire_at;
    const auto consider = [&](const std::optional<TimePoint>& time) {
        if (time)
            earliest = std::min(earliest, *time);
    };
    if (sa.under_way)
        consider(sa.under_way->timer.deadline());
    consider(sa.patience_until);
    consider(sa.authentication_ends);
    if (sa.standing != Standing::carrying)
        return earliest;
    consider(sa.replace_at);
    consider(sa.reauthenticate_at);
    consider(sa.create_children_at);
    consider(next_child_deadline(sa));
    consider(liveness_due(sa));
    return earliest;
}

} // namespace viaduct::ike::v2
