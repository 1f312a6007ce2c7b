// Which packets a child SA protects (RFC 7296 sections 2.9 and 3.13).
#pragma once

#include "policy/ip_address.h"

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

/// Why a text is no selector, and at which of its octets.
struct SelectorMistake {
    std::size_t offset = 0;
    std::string message;
};

/// One selector of one side: an inclusive address range, an IP protocol (0: any) and an inclusive
/// port range in host byte order. Start 65535 with end 0 means OPAQUE. For ICMP the ports hold type
/// and code as RFC 7296 section 3.13.1 lays out.
struct TrafficSelector {
    std::uint8_t protocol = 0;
    std::uint16_t start_port = 0;
    std::uint16_t end_port = 65535;
    IpAddress start_address;
    IpAddress end_address;

    static TrafficSelector from_subnet(const Subnet& subnet);
    /// Reads what to_string() writes of subnets: `SUBNET`, `SUBNET[PROTOCOL]`,
    /// `SUBNET[PROTOCOL/PORTS]`. PROTOCOL is icmp, tcp, udp, gre, icmpv6, sctp or a number; PORTS
    /// is `443`, `1024-2047`, and for ICMP `8`, `3(1)`, `3(0)-4(255)`.
    static std::expected<TrafficSelector, SelectorMistake> parse(std::string_view text);
    AddressFamily family() const { return start_address.family(); }
    /// True when both ends are of one family and start does not lie behind end, of the addresses
    /// and, except for OPAQUE, of the ports.
    bool is_valid() const;
    bool contains(const TrafficSelector& other) const;
    /// The common part; nothing when there is none.
    std::optional<TrafficSelector> intersect(const TrafficSelector& other) const;
    /// The subnets that cover the range exactly, fewest first-fit; at most 2 × 128.
    std::vector<Subnet> subnets() const;
    /// `192.168.10.0/24`, `10.0.0.1-10.0.0.9`, `192.168.10.0/24[tcp/443]`, `…[icmp/8(0)]`.
    std::string to_string() const;

    friend auto operator<=>(const TrafficSelector&, const TrafficSelector&) = default;
};

/// Whether some packet is for one of these and one of those.
bool meet(std::span<const TrafficSelector> some, std::span<const TrafficSelector> others);

/// `a, b, c`. For reports.
std::string to_string(std::span<const TrafficSelector> selectors);

} // namespace viaduct::policy
