// A limit on how often something that strangers can provoke is said.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace viaduct::daemon {

/// A token bucket: `burst` at once, then `per_second` on average.
class RateLimit {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

    /// Nothing when this event is to be suppressed; else how many were suppressed since the last
    /// one that was not.
    std::optional<std::uint64_t> admit(TimePoint now);

private:
    double per_second_;
    double burst_;
    double tokens_ = burst_;
    TimePoint last_ = TimePoint::min();
    std::uint64_t suppressed_ = 0;
};

} // namespace viaduct::daemon
