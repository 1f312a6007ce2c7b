#include "policy/secret.h"

#include <botan/mem_ops.h>

namespace viaduct::policy {

Secret Secret::from_text(std::string_view text) {
    return Secret(Botan::secure_vector<std::uint8_t>(text.begin(), text.end()));
}

std::optional<Secret> Secret::from_hexadecimal(std::string_view digits) {
    const auto value = [](char digit) {
        if (digit >= '0' && digit <= '9')
            return digit - '0';
        if (digit >= 'a' && digit <= 'f')
            return digit - 'a' + 10;
        return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
    };
    if (digits.empty() || digits.size() % 2 != 0)
        return std::nullopt;
    Botan::secure_vector<std::uint8_t> octets;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto high = value(digits[i]), low = value(digits[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        octets.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return Secret(std::move(octets));
}

bool operator==(const Secret& a, const Secret& b) {
    return Botan::constant_time_compare(a.octets_, b.octets_);
}

} // namespace viaduct::policy
