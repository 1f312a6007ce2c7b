// How often something is tried that the kernel keeps refusing, and when that is said.
#pragma once

#include <chrono>
#include <string>

namespace viaduct::daemon {

/// Waits a second after the first failure, and twice as long after each further one that comes when
/// that time is over, up to half a minute. Another cause begins anew.
class RepairPace {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    bool is_due(TimePoint now) const { return cause_.empty() || now >= not_before_; }
    /// Whether the cause, which is not empty, is another than that of the failure before it.
    bool on_failed(TimePoint now, const std::string& cause);
    /// Whether there was a failure before it.
    bool on_done();

    static constexpr std::chrono::seconds shortest{1};
    static constexpr std::chrono::seconds longest{30};

private:
    std::string cause_;
    std::chrono::seconds wait_ = shortest;
    TimePoint not_before_;
};

} // namespace viaduct::daemon
