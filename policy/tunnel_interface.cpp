#include "policy/tunnel_interface.h"

#include <algorithm>
#include <charconv>

namespace viaduct::policy {

namespace {

constexpr std::size_t longest_name = 15; // IFNAMSIZ with the NUL

}

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
    const auto slash = std::min(text.find('/'), text.size());
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    if (slash == text.size())
        return InterfaceAddress{*address, static_cast<std::uint8_t>(address->bits())};
    const auto digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const bool plain = error == std::errc() && end == digits.data() + digits.size() &&
                       (digits.size() == 1 || digits.front() != '0');
    if (plain && length <= address->bits())
        return InterfaceAddress{*address, static_cast<std::uint8_t>(length)};
    return std::nullopt;
}

std::string InterfaceAddress::to_string() const {
    return address.to_string() + "/" + std::to_string(prefix_length);
}

bool is_interface_name(std::string_view name) {
    const auto allowed = [](char octet) {
        return octet > ' ' && octet < '\x7f' && octet != '/' && octet != ':' && octet != '%';
    };
    return !name.empty() && name.size() <= longest_name && name != "." && name != ".." &&
           std::ranges::all_of(name, allowed);
}

} // namespace viaduct::policy
