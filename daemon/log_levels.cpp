#include "daemon/log_levels.h"

#include <algorithm>
#include <optional>
#include <ranges>

namespace viaduct::daemon {

namespace {

constexpr std::array<std::string_view, 5> area_names{"policy", "ike", "xfrm", "netns", "daemon"};
constexpr std::array<std::string_view, 5> level_names{"error", "warn", "info", "debug", "trace"};

std::optional<LogLevel> parse_level(std::string_view text) {
    if (text.size() == 1 && text[0] >= '0' && text[0] <= '4') {
        return static_cast<LogLevel>(text[0] - '0');
    }
    const auto* found = std::ranges::find(level_names, text);
    if (found == level_names.end()) {
        return std::nullopt;
    }
    return static_cast<LogLevel>(found - level_names.begin());
}

std::expected<void, std::string> apply(LogLevels& levels, std::string_view item) {
    if (item == "keys") {
        levels.keys = true;
        return {};
    }
    const auto equals = item.find('=');
    const auto area = item.substr(0, equals);
    const auto level_text = equals == std::string_view::npos ? "debug" : item.substr(equals + 1);
    const auto level = parse_level(level_text);
    const auto* found = std::ranges::find(area_names, area);
    if (area == "keys") {
        return std::unexpected("--debug: keys has no level, write just 'keys'");
    }
    if (area != "all" && found == area_names.end()) {
        return std::unexpected("--debug: unknown area '" + std::string(area) +
                               "' (policy, ike, xfrm, netns, daemon, all, keys)");
    }
    if (!level) {
        return std::unexpected("--debug: unknown level '" + std::string(level_text) +
                               "' (error, warn, info, debug, trace, or 0 to 4)");
    }
    if (area == "all") {
        levels.levels.fill(*level);
    } else {
        levels.levels[static_cast<std::size_t>(found - area_names.begin())] = *level;
    }
    return {};
}

} // namespace

std::string_view to_string(LogArea area) {
    return area_names[static_cast<std::size_t>(area)];
}
std::string_view to_string(LogLevel level) {
    return level_names[static_cast<std::size_t>(level)];
}

bool LogLevels::shows(LogArea area, LogLevel level) const {
    return level <= levels[static_cast<std::size_t>(area)];
}

std::expected<LogLevels, std::string> LogLevels::parse(std::string_view text) {
    LogLevels result;
    if (text.empty()) {
        return std::unexpected("--debug: expected AREA=LEVEL,...");
    }
    for (const auto part : std::views::split(text, ',')) {
        if (auto applied = apply(result, std::string_view(part)); !applied) {
            return std::unexpected(applied.error());
        }
    }
    return result;
}

} // namespace viaduct::daemon
