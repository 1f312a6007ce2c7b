#include "netns/nft/ruleset_transaction.h"

#include "netns/nft/rule_message.h"

#include <linux/in6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <array>

namespace viaduct::netns::nft {
namespace {

using policy::AddressFamily;
using Messages = std::vector<NetlinkMessage>;

const std::string table = "viaduct";

/// Before everybody else's chains at the same hook.
const BaseChain null_mapping{"null_mapping", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 10};
const BaseChain guard_forward{"guard_forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - 10};
const BaseChain guard_output{"guard_output", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER - 10};
/// Behind it NAT changes the source.
const BaseChain guard_leaving{"guard_leaving", "filter", NF_INET_POST_ROUTING,
                              NF_IP_PRI_NAT_SRC - 20};
const BaseChain guard_input{"guard_input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER - 10};

/// The pairs of one family as our packets carry them, and as the peer's do.
struct FamilySets {
    AddressFamily family;
    AddressPairSet outbound;
    AddressPairSet inbound;
};
const std::array<FamilySets, 2> families{
    FamilySets{
        AddressFamily::ipv4, {"out4", AddressFamily::ipv4, 1}, {"in4", AddressFamily::ipv4, 2}},
    FamilySets{
        AddressFamily::ipv6, {"out6", AddressFamily::ipv6, 3}, {"in6", AddressFamily::ipv6, 4}},
};

void append_rule(Messages& messages, const BaseChain& chain, const std::string& description,
                 Expressions&& expressions) {
    messages.push_back(add_rule(table, chain.name, description, expressions.take()));
}

void append_null_mapping(Messages& messages) {
    messages.push_back(add_chain(table, null_mapping));
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.will_be_encrypted(true).family(sets.family).snat_to_own_source(sets.family);
        append_rule(messages, null_mapping, "rt ipsec exists snat to saddr", std::move(rule));
    }
}

void append_outbound_guard(Messages& messages, const BaseChain& chain) {
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.family(sets.family)
            .address_pair_in(sets.outbound)
            .will_be_encrypted(false)
            .counter()
            .drop();
        append_rule(messages, chain,
                    "saddr . daddr @" + sets.outbound.name + " rt ipsec missing drop",
                    std::move(rule));
    }
}

void append_inbound_guard(Messages& messages, const BaseChain& chain) {
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.family(sets.family)
            .address_pair_in(sets.inbound)
            .was_decrypted(false)
            .counter()
            .drop();
        append_rule(messages, chain,
                    "saddr . daddr @" + sets.inbound.name + " meta ipsec missing drop",
                    std::move(rule));
    }
}

/// What the router itself must be able to say in clear although both ends may lie inside protected
/// ranges: to itself, the tunnel's own outer packets, and neighbour discovery, without which there
/// is no outer packet.
void append_clear_exceptions(Messages& messages, const BaseChain& chain,
                             const policy::FirewallRules& rules) {
    const bool output = chain.hook != NF_INET_LOCAL_IN;
    Expressions loopback;
    (output ? loopback.to_loopback() : loopback.from_loopback()).accept();
    append_rule(messages, chain, "lo accept", std::move(loopback));
    append_rule(messages, chain, "esp accept",
                std::move(Expressions().protocol(IPPROTO_ESP).accept()));
    for (const std::uint16_t port : {rules.ike_port, rules.nat_port}) {
        Expressions ike;
        ike.protocol(IPPROTO_UDP);
        (output ? ike.source_port(port) : ike.destination_port(port)).accept();
        append_rule(messages, chain, "udp " + std::to_string(port) + " accept", std::move(ike));
    }
    // RFC 4861 section 4: types 133 to 137, router solicitation to redirect.
    Expressions neighbours;
    neighbours.family(AddressFamily::ipv6).protocol(IPPROTO_ICMPV6).icmpv6_type(133, 137).accept();
    append_rule(messages, chain, "neighbour discovery accept", std::move(neighbours));
}

void append_sets(Messages& messages, const policy::FirewallRules& rules) {
    for (const FamilySets& sets : families) {
        std::vector<AddressPairRange> outbound;
        std::vector<AddressPairRange> inbound;
        for (const policy::ProtectedPair& pair : rules.guarded) {
            if (pair.local_start.family() != sets.family) {
                continue;
            }
            outbound.push_back(
                {pair.local_start, pair.local_end, pair.remote_start, pair.remote_end});
            inbound.push_back(
                {pair.remote_start, pair.remote_end, pair.local_start, pair.local_end});
        }
        for (const auto& [set, ranges] : {std::pair(&sets.outbound, std::span(outbound)),
                                          std::pair(&sets.inbound, std::span(inbound))}) {
            messages.push_back(add_set(table, *set));
            for (auto left = ranges; !left.empty();) {
                const std::size_t count = std::min(left.size(), most_elements);
                messages.push_back(add_elements(table, *set, left.first(count)));
                left = left.subspan(count);
            }
        }
    }
}

} // namespace

std::vector<NetlinkMessage> install_transaction(const policy::FirewallRules& rules) {
    Messages messages;
    messages.push_back(begin_transaction());
    // Deleting fails where there is nothing, adding never does.
    messages.push_back(add_table(table));
    messages.push_back(delete_table(table));
    messages.push_back(add_table(table));
    append_null_mapping(messages);
    append_sets(messages, rules);
    messages.push_back(add_chain(table, guard_forward));
    if (!rules.packets_wait) {
        append_outbound_guard(messages, guard_forward);
    }
    append_inbound_guard(messages, guard_forward);
    const BaseChain& leaving = rules.packets_wait ? guard_leaving : guard_output;
    messages.push_back(add_chain(table, leaving));
    append_clear_exceptions(messages, leaving, rules);
    append_outbound_guard(messages, leaving);
    messages.push_back(add_chain(table, guard_input));
    append_clear_exceptions(messages, guard_input, rules);
    append_inbound_guard(messages, guard_input);
    messages.push_back(end_transaction());
    return messages;
}

std::vector<NetlinkMessage> remove_transaction() {
    Messages messages;
    messages.push_back(begin_transaction());
    messages.push_back(delete_table(table));
    messages.push_back(end_transaction());
    return messages;
}

std::vector<NetlinkMessage> look_up() {
    Messages messages;
    messages.push_back(get_table(table));
    return messages;
}

} // namespace viaduct::netns::nft
