// Both clocks, read together: the monotonic one that the core counts in, and the wall's.
#pragma once

#include <chrono>

namespace viaduct::daemon {

struct ClockReading {
    std::chrono::steady_clock::time_point steady;
    std::chrono::system_clock::time_point wall;

    static ClockReading now() {
        return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
    }
};

} // namespace viaduct::daemon
