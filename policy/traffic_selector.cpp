#include "policy/traffic_selector.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

struct Ports {
    std::uint16_t start;
    std::uint16_t end;

    bool is_any() const { return start == 0 && end == 65535; }
    bool is_opaque() const { return start == 65535 && end == 0; }
    bool is_valid() const { return start <= end || is_opaque(); }
    friend bool operator==(const Ports&, const Ports&) = default;
};

Ports ports_of(const TrafficSelector& selector) {
    return {selector.start_port, selector.end_port};
}

std::optional<Ports> intersect(Ports a, Ports b) {
    // RFC 4301 4.4.1.1: ANY encompasses OPAQUE, which has nothing in common with real ports.
    if (a == b || b.is_any())
        return a;
    if (a.is_any())
        return b;
    if (a.is_opaque() || b.is_opaque())
        return std::nullopt;
    const Ports both{std::max(a.start, b.start), std::min(a.end, b.end)};
    return both.start <= both.end ? std::optional(both) : std::nullopt;
}

std::optional<std::uint8_t> intersect(std::uint8_t a, std::uint8_t b) {
    if (a == b || b == 0)
        return a;
    return a == 0 ? std::optional(b) : std::nullopt;
}

/// The largest subnet that begins at `start` and does not reach beyond `end`.
Subnet largest_subnet(const IpAddress& start, const IpAddress& end) {
    unsigned prefix_length = 0;
    while (start.network(prefix_length) != start || start.broadcast(prefix_length) > end)
        ++prefix_length;
    return {start, static_cast<std::uint8_t>(prefix_length)};
}

} // namespace

TrafficSelector TrafficSelector::from_subnet(const Subnet& subnet) {
    TrafficSelector selector;
    selector.start_address = subnet.address.network(subnet.prefix_length);
    selector.end_address = subnet.address.broadcast(subnet.prefix_length);
    return selector;
}

bool TrafficSelector::is_valid() const {
    return start_address.family() == end_address.family() && start_address <= end_address &&
           ports_of(*this).is_valid();
}

bool TrafficSelector::contains(const TrafficSelector& other) const {
    return other.is_valid() && intersect(other) == other;
}

std::optional<TrafficSelector> TrafficSelector::intersect(const TrafficSelector& other) const {
    if (!is_valid() || !other.is_valid() || family() != other.family())
        return std::nullopt;
    const auto common_protocol = policy::intersect(protocol, other.protocol);
    const auto common_ports = policy::intersect(ports_of(*this), ports_of(other));
    const auto& start = std::max(start_address, other.start_address);
    const auto& end = std::min(end_address, other.end_address);
    if (!common_protocol || !common_ports || start > end)
        return std::nullopt;
    return TrafficSelector{*common_protocol, common_ports->start, common_ports->end, start, end};
}

bool meet(std::span<const TrafficSelector> some, std::span<const TrafficSelector> others) {
    return std::ranges::any_of(some, [&](const TrafficSelector& one) {
        return std::ranges::any_of(
            others, [&](const TrafficSelector& other) { return one.intersect(other).has_value(); });
    });
}

std::vector<Subnet> TrafficSelector::subnets() const {
    std::vector<Subnet> found;
    if (!is_valid())
        return found;
    auto next = std::optional(start_address);
    while (next && *next <= end_address) {
        found.push_back(largest_subnet(*next, end_address));
        next = next->broadcast(found.back().prefix_length).next();
    }
    return found;
}

} // namespace viaduct::policy
