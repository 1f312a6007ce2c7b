#include "ike/v2/timers.h"

#include "ike/v2/rekey_child.h"

#include <algorithm>

namespace viaduct::ike::v2 {

std::chrono::milliseconds passing_failure_wait(Botan::RandomNumberGenerator& rng) {
    return between(std::chrono::seconds(1), std::chrono::seconds(3), rng);
}

std::chrono::milliseconds longest_exchange(const policy::RetransmissionSchedule& schedule) {
    const TimePoint start{};
    Retransmission timer(start, schedule);
    while (timer.on_deadline(timer.deadline()) == Retransmission::Verdict::send_again) {
    }
    return std::chrono::ceil<std::chrono::milliseconds>(timer.deadline() - start);
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
    consider(sa.empty_until);
    consider(next_child_deadline(sa));
    consider(liveness_due(sa));
    return earliest;
}

} // namespace viaduct::ike::v2
