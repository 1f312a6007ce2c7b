#include "policy/toml_table.h"

#include "policy/nearest_name.h"
#include "policy/printable.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace viaduct::policy {

namespace {

std::string such_as(std::string_view example) {
    return "such as \"" + std::string(example) + "\"";
}

/// The shortest text that means the number.
std::string number_text(double number) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() ? std::string(text.data(), end) : "the number";
}

} // namespace

void Mistakes::add(toml::source_position place, std::string message) {
    if (!full())
        mistakes_.push_back({file_, place.line, place.column, std::move(message)});
}

std::vector<FileMistake> Mistakes::in_order() const {
    auto mistakes = mistakes_;
    std::ranges::stable_sort(mistakes, {}, [](const FileMistake& mistake) {
        return std::pair(mistake.line, mistake.column);
    });
    return mistakes;
}

toml::source_position PlacedText::place(std::size_t offset) const {
    auto place = region.begin;
    const bool as_written = region.begin.line == region.end.line &&
                            region.end.column == region.begin.column + text.size() + 2;
    if (as_written && offset <= text.size())
        place.column += static_cast<toml::source_index>(1 + offset);
    return place;
}

void TomlTable::refuse_keys_except(std::span<const std::string_view> known) const {
    for (const auto& [key, node] : *table_) {
        if (std::ranges::contains(known, key.str()))
            continue;
        if (mistakes_->full())
            return;
        mistakes_->add(key.source().begin, "unknown key " + in_quotes(key.str()) + " in " + title_ +
                                               suggestion(key.str(), known));
    }
}

void TomlTable::require(std::string_view key, std::string_view example) const {
    if (!has(key))
        mistake(title_ + " has no " + in_quotes(key) + "; expected " + std::string(key) + " = " +
                std::string(example));
}

void TomlTable::mistake(std::string message) const {
    mistakes_->add(place(), std::move(message));
}

void TomlTable::mistake(std::string_view key, std::string message) const {
    const auto* const node = table_->get(key);
    mistakes_->add(node == nullptr ? place() : node->source().begin, std::move(message));
}

std::optional<PlacedText> TomlTable::text(std::string_view key, std::string_view example,
                                          std::size_t longest) const {
    const auto* const node = table_->get(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* const value = node->as_string();
    if (value == nullptr) {
        mistake(key, in_quotes(key) + ": expected a string " + such_as(example) + ", found " +
                         std::string(type_name(*node)));
        return std::nullopt;
    }
    if (value->get().empty() || value->get().size() > longest) {
        mistake(key, in_quotes(key) + ": expected a string " + such_as(example) + ", found " +
                         (value->get().empty() ? "an empty one"
                                               : "one longer than " + std::to_string(longest)));
        return std::nullopt;
    }
    return PlacedText{value->get(), node->source()};
}

std::optional<std::size_t> TomlTable::word(std::string_view key,
                                           std::span<const std::string_view> words) const {
    const auto value = text(key, words.front());
    if (!value)
        return std::nullopt;
    const auto found = std::ranges::find(words, value->text);
    if (found == words.end()) {
        mistake(key, in_quotes(key) + ": unknown word " + in_quotes(value->text) +
                         suggestion(value->text, words));
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - words.begin());
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key, std::int64_t lowest,
                                               std::int64_t highest) const {
    const auto* const node = table_->get(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* const value = node->as_integer();
    const auto range = std::to_string(lowest) + " to " + std::to_string(highest);
    if (value == nullptr)
        mistake(key, in_quotes(key) + ": expected an integer from " + range + ", found " +
                         std::string(type_name(*node)));
    else if (value->get() < lowest || value->get() > highest)
        mistake(key, in_quotes(key) + ": " + std::to_string(value->get()) +
                         " is out of range; expected " + range);
    else
        return value->get();
    return std::nullopt;
}

std::optional<bool> TomlTable::boolean(std::string_view key) const {
    const auto* const node = table_->get(key);
    if (node == nullptr)
        return std::nullopt;
    const auto* const value = node->as_boolean();
    if (value == nullptr) {
        mistake(key, in_quotes(key) + ": expected true or false, found " +
                         std::string(type_name(*node)));
        return std::nullopt;
    }
    return value->get();
}

std::optional<double> TomlTable::number(std::string_view key, double lowest, double highest) const {
    const auto* const node = table_->get(key);
    if (node == nullptr)
        return std::nullopt;
    const auto range = number_text(lowest) + " to " + number_text(highest);
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value)
        mistake(key, in_quotes(key) + ": expected a number from " + range + ", found " +
                         std::string(type_name(*node)));
    else if (*value >= lowest && *value <= highest)
        return value;
    else // Also what is no number.
        mistake(key, in_quotes(key) + ": " + number_text(*value) + " is out of range; expected " +
                         range);
    return std::nullopt;
}

std::optional<std::uint16_t> TomlTable::port(std::string_view key) const {
    const auto number = integer(key, 1, 65535);
    return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

std::optional<std::chrono::milliseconds>
TomlTable::milliseconds(std::string_view key, std::chrono::milliseconds shortest,
                        std::chrono::milliseconds longest) const {
    const auto value = text(key, "500ms");
    if (!value)
        return std::nullopt;
    const auto duration = parse_milliseconds(value->text);
    if (!duration)
        mistake(key, in_quotes(key) + ": " + in_quotes(value->text) +
                         " is no duration; expected a number with a unit, such as \"500ms\", "
                         "\"2s\" or \"1m\"");
    else if (*duration < shortest || *duration > longest)
        mistake(key, in_quotes(key) + ": " + in_quotes(value->text) +
                         " is out of range; expected " + milliseconds_text(shortest) + " to " +
                         milliseconds_text(longest));
    else
        return duration;
    return std::nullopt;
}

std::optional<std::chrono::seconds> TomlTable::duration(std::string_view key,
                                                        std::chrono::seconds shortest,
                                                        std::chrono::seconds longest) const {
    const auto value = text(key, "8h");
    if (!value)
        return std::nullopt;
    const auto duration = parse_duration(value->text);
    if (!duration) {
        mistake(key, in_quotes(key) + ": " + in_quotes(value->text) +
                         " is no duration; expected a number with a unit, such as \"30s\", "
                         "\"5m\", \"8h\" or \"1d\"");
        return std::nullopt;
    }
    if (*duration < shortest || *duration > longest) {
        mistake(key, in_quotes(key) + ": " + in_quotes(value->text) +
                         " is out of range; expected " + duration_text(shortest) + " to " +
                         duration_text(longest));
        return std::nullopt;
    }
    return duration;
}

std::vector<PlacedText> TomlTable::texts(std::string_view key, std::string_view example,
                                         std::size_t most) const {
    std::vector<PlacedText> found;
    const auto* const node = table_->get(key);
    if (node == nullptr)
        return found;
    const auto* const array = node->as_array();
    const auto expected = in_quotes(key) + ": expected strings in an array, such as [\"" +
                          std::string(example) + "\"], found ";
    if (array == nullptr || array->empty()) {
        mistake(key,
                expected + (array == nullptr ? std::string(type_name(*node)) : "an empty array"));
        return found;
    }
    if (array->size() > most) {
        mistake(key, in_quotes(key) + ": " + std::to_string(array->size()) +
                         " values; expected at most " + std::to_string(most));
        return found;
    }
    for (const auto& element : *array) {
        const auto& place = element.source();
        if (const auto* const value = element.as_string(); value == nullptr)
            mistakes_->add(place.begin, expected + std::string(type_name(element)) + " inside");
        else if (value->get().empty() || value->get().size() > max_text)
            mistakes_->add(place.begin, expected + "an empty or very long string inside");
        else
            found.push_back({value->get(), place});
    }
    return found;
}

const toml::table* TomlTable::table(std::string_view key, std::string_view example) const {
    const auto* const node = table_->get(key);
    if (node == nullptr)
        return nullptr;
    const auto* const found = node->as_table();
    if (found == nullptr)
        mistake(key, in_quotes(key) + ": expected a table such as " + std::string(example) +
                         ", found " + std::string(type_name(*node)));
    return found;
}

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::none: break;
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a floating-point number";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
    }
    return "something else";
}

bool is_plain_name(std::string_view name) {
    const auto plain = [](char c) {
        const char lower = ascii_lower(c);
        return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("._:-").contains(c);
    };
    return !name.empty() && name.size() <= 128 && !std::string_view(".:-").contains(name.front()) &&
           std::ranges::all_of(name, plain);
}

} // namespace viaduct::policy
