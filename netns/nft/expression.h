// The nftables expressions that Viaduct's rules are made of, with libnftnl.
#pragma once

#include "policy/ip_address.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct nftnl_expr;

namespace viaduct::netns::nft {

struct ExpressionFree {
    void operator()(nftnl_expr* expression) const;
};
using Expression = std::unique_ptr<nftnl_expr, ExpressionFree>;

/// A set of address pairs, or a map from them to verdicts: concatenated intervals, source and
/// destination.
struct AddressPairSet {
    std::string name;
    policy::AddressFamily family{};
    /// Names the set inside its transaction; not 0.
    std::uint32_t id = 0;
};

/// A set of interface names.
struct InterfaceSet {
    std::string name;
    std::uint32_t id = 0;
};

/// The parts of a rule's condition and its verdict, in order. Each condition reads as in nft(8);
/// the rule goes on only where it holds.
class Expressions {
public:
    /// `meta nfproto ipv4` or `ipv6`.
    Expressions& family(policy::AddressFamily family);
    /// `meta l4proto PROTOCOL`.
    Expressions& protocol(std::uint8_t protocol);
    /// `th sport PORT`, `th dport PORT`. Only behind protocol().
    Expressions& source_port(std::uint16_t port);
    Expressions& destination_port(std::uint16_t port);
    /// `ip6 hoplimit LIMIT`. Only behind family(ipv6).
    Expressions& hop_limit(std::uint8_t limit);
    /// `icmpv6 type FIRST-LAST`. Only behind protocol(IPPROTO_ICMPV6).
    Expressions& icmpv6_type(std::uint8_t first, std::uint8_t last);
    /// `iif lo`, `oif lo`: what the router says to itself.
    Expressions& from_loopback();
    Expressions& to_loopback();
    /// `iifname @SET`, `oifname @SET`.
    Expressions& from_interface_in(const InterfaceSet& set);
    Expressions& to_interface_in(const InterfaceSet& set);
    /// `oifname != @SET`.
    Expressions& to_interface_not_in(const InterfaceSet& set);
    /// `rt ipsec exists`, `rt ipsec missing`: whether the packet is about to be encrypted.
    Expressions& will_be_encrypted(bool wanted);
    /// `meta ipsec exists`, `meta ipsec missing`: whether it was decrypted here.
    Expressions& was_decrypted(bool wanted);
    /// `fib saddr type local`: whether the source is an address of the router.
    Expressions& source_is_local();
    /// `ct status snat`: whether a NAT mapping has changed the source.
    Expressions& source_was_mapped();
    /// `ip saddr . ip daddr @SET`, a set of the same transaction; its family is checked first.
    Expressions& address_pair_in(const AddressPairSet& set);
    /// `ct original ip saddr . ct original ip daddr @SET`: the addresses before any NAT.
    Expressions& original_pair_in(const AddressPairSet& set);
    /// `ip saddr . ip daddr vmap @MAP`: goes on in the chain that the map names for the pair.
    Expressions& jump_by_address_pair(const AddressPairSet& map);
    /// `tcp flags & (syn | rst) == syn`: the segments that may carry a maximum segment size.
    Expressions& tcp_syn();
    /// `tcp option maxseg size set rt mtu`: what fits into the packet's route and into the route to
    /// its source, for IPsec what fits into the SA. The kernel only ever lowers the value.
    Expressions& segment_from_route();
    /// `tcp option maxseg size set OCTETS`. Only ever lower.
    Expressions& segment(std::uint16_t octets);
    /// `snat to ip saddr`, `dnat to ip daddr`: NAT mappings that change nothing.
    Expressions& snat_to_own_source(policy::AddressFamily family);
    Expressions& dnat_to_own_destination(policy::AddressFamily family);
    /// `counter name NAME`.
    Expressions& count_in(const std::string& counter);
    Expressions& drop();
    Expressions& accept();

    /// Hands the expressions over.
    std::vector<Expression> take() { return std::move(parts_); }

private:
    nftnl_expr* add(const char* name);
    void load_meta(std::uint32_t key);
    void load_rt(std::uint32_t key);
    void load_ct(std::uint32_t key, std::uint32_t reg);
    void load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                      std::uint32_t reg);
    void load_address_pair(policy::AddressFamily family);
    void look_up(const std::string& set, std::uint32_t id);
    void keep_bits(std::span<const std::uint8_t> mask);
    void compare(std::span<const std::uint8_t> octets);
    void differ(std::span<const std::uint8_t> octets);
    void compare(std::uint32_t operation, std::span<const std::uint8_t> octets);
    void write_segment();
    void map_to_itself(std::uint32_t type, policy::AddressFamily family, std::uint32_t offset);
    void verdict(int code);

    std::vector<Expression> parts_;
};

} // namespace viaduct::netns::nft
