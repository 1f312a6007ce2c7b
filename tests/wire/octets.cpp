#include "tests/wire/octets.h"

#include <charconv>
#include <format>
#include <stdexcept>

namespace viaduct::test {

ike::wire::Octets octets(std::string_view hexadecimal) {
    std::string digits;
    for (const char c : hexadecimal) {
        if (c != ' ' && c != '\n') {
            digits += c;
        }
    }
    ike::wire::Octets result(digits.size() / 2);
    for (std::size_t i = 0; i < result.size(); ++i) {
        const char* pair = digits.data() + 2 * i;
        if (std::from_chars(pair, pair + 2, result[i], 16).ptr != pair + 2) {
            throw std::invalid_argument(digits);
        }
    }
    if (digits.size() % 2 != 0) {
        throw std::invalid_argument(digits);
    }
    return result;
}

std::string hexadecimal(std::span<const std::uint8_t> octets) {
    std::string text;
    for (const auto octet : octets) {
        text += std::format("{:02x}", octet);
    }
    return text;
}

} // namespace viaduct::test
