#include "policy/nearest_name.h"

#include "policy/printable.h"

#include <algorithm>
#include <array>
#include <limits>

namespace viaduct::policy {

namespace {

/// Longer words are no slips of the pen, and the distance is quadratic.
constexpr std::size_t max_word = 64;
constexpr std::size_t max_listed = 16;

using Row = std::array<std::size_t, max_word + 1>;

/// The Damerau-Levenshtein distance in its "optimal string alignment" form, row by row.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<Row, 3> rows{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& above = rows[(i - 1) % 3];
        const auto& two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + differs});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

} // namespace

std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> names) {
    if (word.empty() || word.size() > max_word)
        return std::nullopt;
    const auto lower = ascii_lower(word);
    std::optional<std::string_view> nearest;
    auto least = std::numeric_limits<std::size_t>::max();
    for (const auto name : names) {
        if (name.size() > max_word)
            continue;
        const auto longer = std::max(word.size(), name.size());
        const auto shorter = std::min(word.size(), name.size());
        const auto tolerated = std::min<std::size_t>(3, longer / 3);
        if (longer - shorter > tolerated)
            continue;
        const auto d = distance(lower, ascii_lower(name));
        if (d <= tolerated && d < least) {
            least = d;
            nearest = name;
        }
    }
    return nearest;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
    if (const auto nearest = nearest_name(word, names))
        return ", did you mean " + in_quotes(*nearest) + "?";
    if (names.empty())
        return {};
    std::string text = "; expected ";
    if (names.size() > 1)
        text += "one of ";
    for (std::size_t i = 0; i < names.size() && i < max_listed; ++i)
        text.append(i == 0 ? "" : ", ").append(printable(names[i]));
    return names.size() > max_listed ? text + ", …" : text;
}

} // namespace viaduct::policy
