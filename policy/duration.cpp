// The durations of configuration files, declared beside their parser.
#include "policy/connection_file.h"

#include <array>
#include <charconv>

namespace viaduct::policy {

namespace {

struct Unit {
    char letter;
    std::int64_t seconds;
};
constexpr std::array units{Unit{'d', 86400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}};

constexpr std::int64_t ten_years = std::int64_t{10} * 365 * 86400;

std::optional<std::int64_t> digits(std::string_view text) {
    std::int64_t count = 0;
    const auto* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, count);
    if (error != std::errc() || end != last || text.front() == '-')
        return std::nullopt;
    return count;
}

} // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    if (text.empty())
        return std::nullopt;
    const auto count = digits(text.substr(0, text.size() - 1));
    for (const auto& unit : units) {
        if (count && unit.letter == text.back() && *count <= ten_years / unit.seconds)
            return std::chrono::seconds(*count * unit.seconds);
    }
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_milliseconds(std::string_view text) {
    constexpr std::string_view unit = "ms";
    if (!text.ends_with(unit))
        return parse_duration(text);
    const auto count = digits(text.substr(0, text.size() - unit.size()));
    if (!count || *count > ten_years * 1000)
        return std::nullopt;
    return std::chrono::milliseconds(*count);
}

std::string duration_text(std::chrono::seconds duration) {
    for (const auto& unit : units) {
        if (duration.count() != 0 && duration.count() % unit.seconds == 0)
            return std::to_string(duration.count() / unit.seconds) + unit.letter;
    }
    return "0s";
}

std::string milliseconds_text(std::chrono::milliseconds duration) {
    if (duration.count() % 1000 == 0)
        return duration_text(std::chrono::duration_cast<std::chrono::seconds>(duration));
    return std::to_string(duration.count()) + "ms";
}

} // namespace viaduct::policy
