// Numbers for random runs: everything about a run comes from its seed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ranges>
#include <string>

namespace viaduct::simulation {

struct Draw {
    std::uint64_t state;
    /// splitmix64.
    std::uint64_t next() {
        state += 0x9e3779b97f4a7c15;
        auto z = state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    std::uint64_t below(std::uint64_t n) { return next() % n; }
    double fraction() { return static_cast<double>(next() >> 11) / 9007199254740992.0; }
};

/// VIADUCT_SEED replays one run, VIADUCT_RUNS says how many there are, VIADUCT_FIRST_SEED where
/// they begin.
inline auto seeds(std::uint64_t runs) {
    const auto number_from = [](const char* variable, std::uint64_t otherwise) {
        const char* text = std::getenv(variable);
        return text ? std::stoull(text) : otherwise;
    };
    const bool one = std::getenv("VIADUCT_SEED") != nullptr;
    const auto first = number_from("VIADUCT_SEED", number_from("VIADUCT_FIRST_SEED", 1));
    const auto count = one ? 1 : number_from("VIADUCT_RUNS", runs);
    return std::views::iota(first, first + count);
}

} // namespace viaduct::simulation
