#include "daemon/rate_limit.h"

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

std::optional<std::uint64_t> RateLimit::admit(TimePoint now) {
    if (last_ != TimePoint::min()) {
        const std::chrono::duration<double> passed = now - last_;
        tokens_ = std::min(burst_, tokens_ + per_second_ * std::max(passed.count(), 0.0));
    }
    last_ = now;
    if (tokens_ < 1.0) {
        ++suppressed_;
        return std::nullopt;
    }
    tokens_ -= 1.0;
    return std::exchange(suppressed_, 0);
}

} // namespace viaduct::daemon
