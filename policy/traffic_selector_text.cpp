// The text of a selector, both ways: `192.168.10.0/24[tcp/443]`.
#include "policy/nearest_name.h"
#include "policy/printable.h"
#include "policy/traffic_selector.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace viaduct::policy {

namespace {

struct ProtocolName {
    std::uint8_t number;
    std::string_view name;
};
constexpr std::array protocol_names{
    ProtocolName{1, "icmp"}, ProtocolName{6, "tcp"},     ProtocolName{17, "udp"},
    ProtocolName{47, "gre"}, ProtocolName{58, "icmpv6"}, ProtocolName{132, "sctp"},
};
constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t icmpv6 = 58;
/// DCCP and UDP-Lite; the named ones stand above.
constexpr std::array<std::uint8_t, 5> protocols_with_ports{6, 17, 33, 132, 136};

bool is_icmp(std::uint8_t protocol) {
    return protocol == icmp || protocol == icmpv6;
}

std::string protocol_text(std::uint8_t protocol) {
    const auto found = std::ranges::find(protocol_names, protocol, &ProtocolName::number);
    if (found != protocol_names.end())
        return std::string(found->name);
    return protocol == 0 ? "any" : std::to_string(protocol);
}

bool has_all_ports(const TrafficSelector& selector) {
    return selector.start_port == 0 && selector.end_port == 65535;
}

/// RFC 7296 3.13.1: the type is the upper octet, the code the lower one.
std::string icmp_text(std::uint16_t port) {
    return std::to_string(port >> 8) + "(" + std::to_string(port & 0xff) + ")";
}

std::string ports_text(const TrafficSelector& selector) {
    const auto start = selector.start_port;
    const auto end = selector.end_port;
    if (start == 65535 && end == 0)
        return "OPAQUE";
    if (is_icmp(selector.protocol) && start >> 8 == end >> 8 && (start & 0xff) == 0 &&
        (end & 0xff) == 0xff)
        return std::to_string(start >> 8);
    const auto text = [&](std::uint16_t port) {
        return is_icmp(selector.protocol) ? icmp_text(port) : std::to_string(port);
    };
    return start == end ? text(start) : text(start) + "-" + text(end);
}

std::string subnet_mistake(const std::string& text) {
    const auto slash = std::min(text.find('/'), text.size());
    if (const auto address = IpAddress::parse(text.substr(0, slash))) {
        // The length is right when it is so behind an address without host bits.
        const auto zero = IpAddress::unspecified(address->family()).to_string();
        if (const auto subnet = Subnet::parse(zero + text.substr(slash))) {
            const auto meant =
                Subnet{address->network(subnet->prefix_length), subnet->prefix_length};
            return in_quotes(text) + " has host bits set, did you mean " +
                   in_quotes(meant.to_string()) + "?";
        }
        return in_quotes(text) + " has no valid prefix length; expected 0 to " +
               std::to_string(address->bits());
    }
    return in_quotes(text) + " is no subnet; expected one such as \"192.168.10.0/24\"";
}

/// Digits without leading zeros.
std::optional<std::uint16_t> number(std::string_view text, std::uint16_t highest) {
    std::uint16_t value = 0;
    const auto* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc() || end != last || value > highest ||
        (text.size() > 1 && text.front() == '0'))
        return std::nullopt;
    return value;
}

struct PortSpan {
    std::uint16_t start;
    std::uint16_t end;
};

/// `8` is all codes of a type, `3(1)` one code.
std::optional<PortSpan> icmp_type(std::string_view text) {
    const auto open = text.find('(');
    const auto type = number(text.substr(0, open), 255);
    if (!type)
        return std::nullopt;
    const auto first = static_cast<std::uint16_t>(*type << 8);
    if (open == std::string_view::npos)
        return PortSpan{first, static_cast<std::uint16_t>(first | 0xff)};
    if (!text.ends_with(')'))
        return std::nullopt;
    const auto code = number(text.substr(open + 1, text.size() - open - 2), 255);
    if (!code)
        return std::nullopt;
    const auto both = static_cast<std::uint16_t>(first | *code);
    return PortSpan{both, both};
}

std::optional<PortSpan> port(std::string_view text) {
    const auto value = number(text, 65535);
    return value ? std::optional(PortSpan{*value, *value}) : std::nullopt;
}

std::optional<PortSpan> port_range(std::string_view text, std::uint8_t protocol) {
    const auto read = is_icmp(protocol) ? icmp_type : port;
    const auto hyphen = text.find('-');
    const auto first = read(text.substr(0, hyphen));
    const auto last = hyphen == std::string_view::npos ? first : read(text.substr(hyphen + 1));
    if (!first || !last || first->start > last->end)
        return std::nullopt;
    return PortSpan{first->start, last->end};
}

std::optional<std::uint8_t> protocol_of(std::string_view text) {
    const auto found = std::ranges::find(protocol_names, text, &ProtocolName::name);
    if (found != protocol_names.end())
        return found->number;
    const auto value = number(text, 255);
    return value && *value != 0 ? std::optional(static_cast<std::uint8_t>(*value)) : std::nullopt;
}

std::string protocol_mistake(std::string_view text) {
    if (text == "any" || text == "0")
        return "for every protocol leave " + in_quotes("[" + std::string(text) + "]") + " out";
    std::array<std::string_view, protocol_names.size()> names;
    std::ranges::transform(protocol_names, names.begin(), &ProtocolName::name);
    return in_quotes(text) + " is no protocol and no number of one (1 to 255)" +
           suggestion(text, names);
}

std::string family_mistake(std::uint8_t protocol) {
    return protocol == icmp ? "icmp is of IPv4; expected icmpv6"
                            : "icmpv6 is of IPv6; expected icmp";
}

std::string ports_mistake(std::string_view text, std::uint8_t protocol) {
    return in_quotes(text) + (is_icmp(protocol)
                                  ? " is no ICMP type; expected one such as 8, 3(1) or 3(0)-4(255)"
                                  : " is no port; expected one such as 443, or 1024-2047");
}

bool fits(std::uint8_t protocol, AddressFamily family) {
    return !is_icmp(protocol) || (protocol == icmp) == (family == AddressFamily::ipv4);
}

using Mistaken = std::unexpected<SelectorMistake>;

} // namespace

std::expected<TrafficSelector, SelectorMistake> TrafficSelector::parse(std::string_view text) {
    const auto bracket = text.find('[');
    const auto subnet = Subnet::parse(text.substr(0, bracket));
    if (!subnet)
        return Mistaken({0, subnet_mistake(std::string(text.substr(0, bracket)))});
    auto selector = from_subnet(*subnet);
    if (bracket == std::string_view::npos)
        return selector;
    if (!text.ends_with(']'))
        return Mistaken({bracket, in_quotes(text) + " does not end with ]; expected one such as "
                                                    "\"192.168.10.0/24[tcp/443]\""});
    const auto inner = text.substr(bracket + 1, text.size() - bracket - 2);
    const auto slash = inner.find('/');
    const auto protocol = protocol_of(inner.substr(0, slash));
    if (!protocol)
        return Mistaken({bracket + 1, protocol_mistake(inner.substr(0, slash))});
    if (!fits(*protocol, selector.family()))
        return Mistaken({bracket + 1, family_mistake(*protocol)});
    selector.protocol = *protocol;
    if (slash == std::string_view::npos)
        return selector;
    const auto ports = inner.substr(slash + 1);
    const auto place = bracket + 1 + slash + 1;
    // RFC 7296 3.13.1: where a protocol has no ports, all of them are meant.
    if (!is_icmp(*protocol) && !std::ranges::contains(protocols_with_ports, *protocol))
        return Mistaken({place, "protocol " + protocol_text(*protocol) + " has no ports"});
    const auto range = port_range(ports, *protocol);
    if (!range)
        return Mistaken({place, ports_mistake(ports, *protocol)});
    selector.start_port = range->start;
    selector.end_port = range->end;
    return selector;
}

std::string TrafficSelector::to_string() const {
    auto text = start_address.to_string() + "-" + end_address.to_string();
    if (const auto parts = subnets(); parts.size() == 1)
        text = parts.front().to_string();
    const bool all_ports = has_all_ports(*this);
    if (protocol == 0 && all_ports)
        return text;
    text += "[" + protocol_text(protocol);
    if (!all_ports)
        text += "/" + ports_text(*this);
    return text + "]";
}

std::string to_string(std::span<const TrafficSelector> selectors) {
    std::string text;
    for (const auto& selector : selectors)
        text.append(text.empty() ? "" : ", ").append(selector.to_string());
    return text;
}

} // namespace viaduct::policy
