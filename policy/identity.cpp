#include "policy/identity.h"

#include "policy/ip_address.h"
#include "policy/printable.h"

#include <algorithm>
#include <charconv>

namespace viaduct::policy {

namespace {

/// An identity of the configuration; the ID payload itself could carry more.
constexpr std::size_t max_identity = 255;
constexpr std::string_view key_id_prefix = "keyid:";

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/// Labels of letters, digits, hyphens and underscores between dots; none is empty or longer than
/// 63 (RFC 1035 section 2.3.4).
bool is_label_sequence(std::string_view text) {
    while (true) {
        const auto dot = text.find('.');
        const auto label = text.substr(0, dot);
        const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
        if (label.empty() || label.size() > 63 || !std::ranges::all_of(label, allowed))
            return false;
        if (dot == std::string_view::npos)
            return true;
        text.remove_prefix(dot + 1);
    }
}

/// A mistyped address is not taken for a name.
bool is_domain_name(std::string_view text) {
    const auto last = text.substr(text.rfind('.') + 1);
    return is_label_sequence(text) &&
           !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_mail_address(std::string_view text) {
    const auto at = text.find('@');
    return at != std::string_view::npos && at > 0 && !text.contains(' ') && is_printable(text) &&
           text.front() != '*' && is_domain_name(text.substr(at + 1));
}

std::vector<std::uint8_t> octets_of(std::string_view text) {
    return {text.begin(), text.end()};
}

std::string_view text_of(const std::vector<std::uint8_t>& octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::optional<std::vector<std::uint8_t>> parse_hexadecimal(std::string_view digits) {
    if (digits.empty() || digits.size() % 2 != 0)
        return std::nullopt;
    std::vector<std::uint8_t> octets;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        std::uint8_t octet = 0;
        const auto* const end = digits.data() + i + 2;
        const auto [last, error] = std::from_chars(digits.data() + i, end, octet, 16);
        if (error != std::errc() || last != end)
            return std::nullopt;
        octets.push_back(octet);
    }
    return octets;
}

bool starts_hexadecimal(std::string_view text) {
    return text.starts_with("0x") || text.starts_with("0X");
}

std::optional<Identity> parse_key_id(std::string_view text) {
    if (starts_hexadecimal(text)) {
        auto octets = parse_hexadecimal(text.substr(2));
        if (!octets || octets->size() > max_identity)
            return std::nullopt;
        return Identity{IdentityType::key_id, std::move(*octets)};
    }
    if (text.empty() || text.size() > max_identity || !is_printable(text))
        return std::nullopt;
    return Identity{IdentityType::key_id, octets_of(text)};
}

std::string key_id_text(const std::vector<std::uint8_t>& octets) {
    const auto text = text_of(octets);
    if (text.empty() || !is_printable(octets) || starts_hexadecimal(text))
        return "keyid:0x" + hexadecimal(octets);
    return "keyid:" + std::string(text);
}

/// `@` marks what would else be read as something different.
std::string name_text(const Identity& identity) {
    auto text = printable(identity.data);
    if (Identity::parse(text) == identity)
        return text;
    return (identity.type == IdentityType::fqdn ? "@" : "email:") + text;
}

std::string address_text(const Identity& identity) {
    const std::span octets = identity.data;
    if (identity.type == IdentityType::ipv4_address && octets.size() == 4)
        return IpAddress::v4(octets.first<4>()).to_string();
    if (identity.type == IdentityType::ipv6_address && octets.size() == 16)
        return IpAddress::v6(octets.first<16>()).to_string();
    return (identity.type == IdentityType::ipv4_address ? "ipv4:0x" : "ipv6:0x") +
           hexadecimal(octets);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, {}, [](char c) { return ascii_lower(c); }, [](char c) { return ascii_lower(c); });
}

bool is_name(const Identity& identity) {
    return identity.type == IdentityType::fqdn || identity.type == IdentityType::rfc822_address;
}

bool equal_identities(const Identity& a, const Identity& b) {
    if (a.type != b.type || !is_name(a))
        return a == b;
    return equal_ignoring_case(text_of(a.data), text_of(b.data));
}

/// What stands before the suffix must be whole labels of a name, or one local part.
bool matches_suffix(std::string_view suffix, const Identity& identity) {
    const auto type = suffix.starts_with('@') ? IdentityType::rfc822_address : IdentityType::fqdn;
    const auto text = text_of(identity.data);
    if (identity.type != type || suffix.empty() || text.size() <= suffix.size())
        return false;
    const auto first = text.substr(0, text.size() - suffix.size());
    if (!equal_ignoring_case(text.substr(first.size()), suffix))
        return false;
    return type == IdentityType::fqdn ? is_label_sequence(first)
                                      : is_printable(first) && !first.contains('@');
}

} // namespace

Identity Identity::from_address(const IpAddress& address) {
    const auto octets = address.octets();
    const auto type = address.family() == AddressFamily::ipv4 ? IdentityType::ipv4_address
                                                              : IdentityType::ipv6_address;
    return Identity{type, {octets.begin(), octets.end()}};
}

std::optional<Identity> Identity::parse(std::string_view text) {
    if (text.starts_with(key_id_prefix))
        return parse_key_id(text.substr(key_id_prefix.size()));
    if (text.empty() || text.size() > max_identity)
        return std::nullopt;
    if (text.starts_with('@')) {
        const auto name = text.substr(1);
        if (name.empty() || name.contains(' ') || !is_printable(name))
            return std::nullopt;
        return Identity{IdentityType::fqdn, octets_of(name)};
    }
    if (const auto address = IpAddress::parse(text))
        return from_address(*address);
    if (is_mail_address(text))
        return Identity{IdentityType::rfc822_address, octets_of(text)};
    if (is_domain_name(text))
        return Identity{IdentityType::fqdn, octets_of(text)};
    return std::nullopt;
}

std::string Identity::to_string() const {
    switch (type) {
    case IdentityType::ipv4_address:
    case IdentityType::ipv6_address: return address_text(*this);
    case IdentityType::fqdn:
    case IdentityType::rfc822_address: return name_text(*this);
    case IdentityType::key_id: return key_id_text(data);
    case IdentityType::der_asn1_dn: return "dn:0x" + hexadecimal(data);
    case IdentityType::der_asn1_gn: return "gn:0x" + hexadecimal(data);
    }
    return "id" + std::to_string(static_cast<unsigned>(type)) + ":0x" + hexadecimal(data);
}

std::optional<IdentityPattern> IdentityPattern::parse(std::string_view text) {
    if (text == "any")
        return IdentityPattern{};
    if (text.starts_with('*')) {
        const auto suffix = text.substr(1);
        const bool separated = suffix.starts_with('.') || suffix.starts_with('@');
        if (text.size() > max_identity || !separated || !is_domain_name(suffix.substr(1)))
            return std::nullopt;
        return IdentityPattern{Kind::suffix, {}, std::string(suffix)};
    }
    auto identity = Identity::parse(text);
    if (!identity)
        return std::nullopt;
    return exactly(std::move(*identity));
}

IdentityPattern IdentityPattern::exactly(Identity identity) {
    return IdentityPattern{Kind::exact, std::move(identity), {}};
}

bool IdentityPattern::matches(const Identity& other) const {
    switch (kind) {
    case Kind::any: return true;
    case Kind::exact: return equal_identities(identity, other);
    case Kind::suffix: return matches_suffix(suffix, other);
    }
    return false;
}

std::string IdentityPattern::to_string() const {
    switch (kind) {
    case Kind::any: return "any";
    case Kind::suffix: return "*" + suffix;
    case Kind::exact: break;
    }
    // "any" alone means the pattern, so a gateway of that name is written with its mark.
    const auto text = identity.to_string();
    return text == "any" ? "@any" : text;
}

} // namespace viaduct::policy
