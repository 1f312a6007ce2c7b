// What the log shows: a level for each area of the program.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace viaduct::daemon {

enum class LogArea : std::uint8_t { policy, ike, xfrm, netns, daemon };
enum class LogLevel : std::uint8_t { error, warn, info, debug, trace };

std::string_view to_string(LogArea area);
std::string_view to_string(LogLevel level);

/// Everything at `info` until told otherwise.
struct LogLevels {
    std::array<LogLevel, 5> levels{LogLevel::info, LogLevel::info, LogLevel::info, LogLevel::info,
                                   LogLevel::info};
    /// Whether session keys are shown. Only the word `keys` in --debug sets it, never a level.
    bool keys = false;

    bool shows(LogArea area, LogLevel level) const;

    /// Reads `ike=debug,xfrm=3,keys`. An area alone means its debug level; `all` stands for every
    /// area; levels are words or 0 (error) to 4 (trace). The error is one line.
    static std::expected<LogLevels, std::string> parse(std::string_view text);
};

} // namespace viaduct::daemon
