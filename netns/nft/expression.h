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

/// A set of address pairs: concatenated intervals, source and destination.
struct AddressPairSet {
    std::string name;
    policy::AddressFamily family{};
    /// Names the set inside its transaction.
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
    /// `icmpv6 type FIRST-LAST`. Only behind protocol(IPPROTO_ICMPV6).
    Expressions& icmpv6_type(std::uint8_t first, std::uint8_t last);
    /// `iif lo`, `oif lo`: what the router says to itself.
    Expressions& from_loopback();
    Expressions& to_loopback();
    /// `rt ipsec exists`, `rt ipsec missing`: whether the packet is about to be encrypted.
    Expressions& will_be_encrypted(bool wanted);
    /// `meta ipsec exists`, `meta ipsec missing`: whether it was decrypted here.
    Expressions& was_decrypted(bool wanted);
    /// `ip saddr . ip daddr @SET`, a set of the same transaction.
    Expressions& address_pair_in(const AddressPairSet& set);
    /// `snat to ip saddr`: a NAT mapping that changes nothing.
    Expressions& snat_to_own_source(policy::AddressFamily family);
    Expressions& counter();
    Expressions& drop();
    Expressions& accept();

    /// Hands the expressions over.
    std::vector<Expression> take() { return std::move(parts_); }

private:
    nftnl_expr* add(const char* name);
    void load_meta(std::uint32_t key);
    void load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                      std::uint32_t reg);
    void compare(std::span<const std::uint8_t> octets);
    void verdict(int code);

    std::vector<Expression> parts_;
};

} // namespace viaduct::netns::nft
