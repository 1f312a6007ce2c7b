#include "policy/printable.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t max_quoted = 80;

std::span<const std::uint8_t> octets_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

bool is_printable(std::uint8_t octet) {
    return octet >= 0x20 && octet < 0x7f && octet != '\\';
}

bool is_printable(std::span<const std::uint8_t> octets) {
    return std::ranges::all_of(octets, [](std::uint8_t octet) { return is_printable(octet); });
}

bool is_printable(std::string_view text) {
    return is_printable(octets_of(text));
}

std::string printable(std::span<const std::uint8_t> octets) {
    std::string text;
    text.reserve(octets.size());
    for (const auto octet : octets) {
        if (is_printable(octet))
            text += static_cast<char>(octet);
        else
            text.append("\\x").append(hexadecimal(std::span(&octet, 1)));
    }
    return text;
}

std::string printable(std::string_view text) {
    return printable(octets_of(text));
}

std::string in_quotes(std::string_view text) {
    if (text.size() <= max_quoted)
        return "'" + printable(text) + "'";
    return "'" + printable(text.substr(0, max_quoted)) + "…'";
}

std::string hexadecimal(std::span<const std::uint8_t> octets) {
    std::string text;
    text.reserve(2 * octets.size());
    for (const auto octet : octets) {
        text += hex_digits[octet >> 4];
        text += hex_digits[octet & 15];
    }
    return text;
}

char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string ascii_lower(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower)
        c = ascii_lower(c);
    return lower;
}

} // namespace viaduct::policy
