#include "netns/nft/ruleset_transaction.h"

#include "netns/set_difference.h"

#include <linux/in6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

namespace viaduct::netns::nft {
namespace {

using policy::AddressFamily;

/// A transaction on one table.
struct Messages {
    explicit Messages(const char* table_name) : table(table_name) {
        list.push_back(begin_transaction());
    }
    void push_back(NetlinkMessage message) { list.push_back(std::move(message)); }
    std::vector<NetlinkMessage> take() && {
        list.push_back(end_transaction());
        return std::move(list);
    }

    std::string table;
    std::vector<NetlinkMessage> list;
};

const std::string comment = "the leak guard of viaductd stays when it stops; "
                            "viaductd --remove-guard takes it away";
const std::string guard_out = "guard_out";
const std::string guard_in = "guard_in";

/// Before everybody else's chains at the same hook, but for the one behind NAT.
const BaseChain null_source{"null_source", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 10};
const BaseChain null_destination{"null_destination", "nat", NF_INET_PRE_ROUTING,
                                 NF_IP_PRI_NAT_DST - 10};
/// Its presence is all that it says.
constexpr const char* abandoned = "abandoned";
const BaseChain guard_forward{"guard_forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - 10};
const BaseChain guard_output{"guard_output", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER - 10};
/// Behind it NAT changes the source.
const BaseChain guard_leaving{"guard_leaving", "filter", NF_INET_POST_ROUTING,
                              NF_IP_PRI_NAT_SRC - 20};
const BaseChain guard_input{"guard_input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER - 10};
const BaseChain guard_postrouting{"guard_postrouting", "filter", NF_INET_POST_ROUTING,
                                  NF_IP_PRI_NAT_SRC + 10};
const BaseChain clamp_forward{"clamp_forward", "filter", NF_INET_FORWARD, NF_IP_PRI_MANGLE};
const BaseChain clamp_output{"clamp_output", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE};
const BaseChain clamp_input{"clamp_input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_MANGLE};

/// The pairs of one family as our packets carry them, as the peer's do, and what is clamped.
struct FamilySets {
    AddressFamily family;
    AddressPairSet outbound;
    AddressPairSet inbound;
    AddressPairSet clamp;
};
const std::array<FamilySets, 2> families{
    FamilySets{AddressFamily::ipv4,
               {"out4", AddressFamily::ipv4, 2},
               {"in4", AddressFamily::ipv4, 3},
               {"clamp4", AddressFamily::ipv4, 4}},
    FamilySets{AddressFamily::ipv6,
               {"out6", AddressFamily::ipv6, 5},
               {"in6", AddressFamily::ipv6, 6},
               {"clamp6", AddressFamily::ipv6, 7}},
};

const InterfaceSet tunnels{"tunnels", 1};

/// Beyond that a second table with more pairs than it needs is cheaper than knowing which.
constexpr std::size_t most_comparisons = 1 << 20;

/// The elements of one family's sets, each sorted.
struct FamilyElements {
    std::vector<AddressPairRange> outbound;
    std::vector<AddressPairRange> inbound;
    std::vector<AddressPairRange> clamp;
};

void append_rule(Messages& messages, const BaseChain& chain, const std::string& description,
                 Expressions&& expressions) {
    messages.push_back(add_rule(messages.table, chain.name, description, expressions.take()));
}

void append_null_mappings(Messages& messages) {
    messages.push_back(add_chain(messages.table, null_source));
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.will_be_encrypted(true).family(sets.family).snat_to_own_source(sets.family);
        append_rule(messages, null_source, "rt ipsec exists snat to saddr", std::move(rule));
    }
    messages.push_back(add_chain(messages.table, null_destination));
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.was_decrypted(true).family(sets.family).dnat_to_own_destination(sets.family);
        append_rule(messages, null_destination, "meta ipsec exists dnat to daddr", std::move(rule));
    }
}

/// Whether the packet leaves in clear, as far as can be told here: what is routed into a tunnel's
/// interface is encrypted behind all chains.
void append_leaves_in_clear(Expressions& rule, const policy::FirewallRules& rules) {
    rule.will_be_encrypted(false);
    if (!rules.tunnel_interfaces.empty()) {
        rule.to_interface_not_in(tunnels);
    }
}

void append_outbound_guard(Messages& messages, const BaseChain& chain,
                           const policy::FirewallRules& rules) {
    for (const FamilySets& sets : families) {
        Expressions rule;
        append_leaves_in_clear(rule, rules);
        rule.address_pair_in(sets.outbound).count_in(guard_out).drop();
        append_rule(messages, chain,
                    "rt ipsec missing saddr . daddr @" + sets.outbound.name + " drop",
                    std::move(rule));
    }
}

void append_inbound_guard(Messages& messages, const BaseChain& chain) {
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.was_decrypted(false).address_pair_in(sets.inbound).count_in(guard_in).drop();
        append_rule(messages, chain,
                    "meta ipsec missing saddr . daddr @" + sets.inbound.name + " drop",
                    std::move(rule));
    }
}

/// The route is looked up again behind NAT, so that `rt ipsec` tells where the packet really goes.
void append_guard_behind_nat(Messages& messages, const policy::FirewallRules& rules) {
    messages.push_back(add_chain(messages.table, guard_postrouting));
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.source_was_mapped();
        append_leaves_in_clear(rule, rules);
        rule.original_pair_in(sets.outbound).count_in(guard_out).drop();
        append_rule(messages, guard_postrouting,
                    "ct status snat rt ipsec missing ct original saddr . daddr @" +
                        sets.outbound.name + " drop",
                    std::move(rule));
    }
}

/// Where the kernel itself knows what fits: into an SA on the way out, into a tunnel's interface in
/// both directions.
void append_clamp_to_route(Messages& messages, const policy::FirewallRules& rules) {
    Expressions encrypted;
    encrypted.tcp_syn().will_be_encrypted(true).segment_from_route();
    append_rule(messages, clamp_forward, "tcp syn rt ipsec exists segment from rt mtu",
                std::move(encrypted));
    if (rules.tunnel_interfaces.empty()) {
        return;
    }
    Expressions outbound;
    outbound.to_interface_in(tunnels).tcp_syn().segment_from_route();
    append_rule(messages, clamp_forward, "oifname @tunnels tcp syn segment from rt mtu",
                std::move(outbound));
    Expressions inbound;
    inbound.from_interface_in(tunnels).tcp_syn().segment_from_route();
    append_rule(messages, clamp_forward, "iifname @tunnels tcp syn segment from rt mtu",
                std::move(inbound));
}

void append_clamp(Messages& messages, const BaseChain& chain, const policy::FirewallRules& rules) {
    messages.push_back(add_chain(messages.table, chain));
    if (chain.hook == NF_INET_FORWARD) {
        append_clamp_to_route(messages, rules);
    }
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.tcp_syn().jump_by_address_pair(sets.clamp);
        append_rule(messages, chain, "tcp syn saddr . daddr vmap @" + sets.clamp.name,
                    std::move(rule));
    }
}

/// What the router itself must be able to say in clear although both ends may lie inside protected
/// ranges: to itself, the tunnel's own outer packets, and neighbour discovery, without which there
/// is no outer packet.
void append_clear_exceptions(Messages& messages, const BaseChain& chain,
                             const policy::FirewallRules& rules) {
    const bool output = chain.hook != NF_INET_LOCAL_IN;
    // What is passed on comes by that hook too: for it there are no exceptions, see
    // append_forged_guard().
    const bool all_leave = chain.hook == NF_INET_POST_ROUTING;
    const auto own = [all_leave](Expressions&& rule) {
        if (all_leave) {
            rule.source_is_local();
        }
        return std::move(rule.accept());
    };
    Expressions loopback;
    (output ? loopback.to_loopback() : loopback.from_loopback()).accept();
    append_rule(messages, chain, "lo accept", std::move(loopback));
    append_rule(messages, chain, "esp accept", own(std::move(Expressions().protocol(IPPROTO_ESP))));
    for (const std::uint16_t port : {rules.ike_port, rules.nat_port}) {
        Expressions ike;
        ike.protocol(IPPROTO_UDP);
        output ? ike.source_port(port) : ike.destination_port(port);
        append_rule(messages, chain, "udp " + std::to_string(port) + " accept",
                    own(std::move(ike)));
    }
    // RFC 4861 section 4: types 133 to 137, router solicitation to redirect. What a router passes
    // on has not the hop limit that all of them have, so it is no exception.
    Expressions neighbours;
    neighbours.family(AddressFamily::ipv6)
        .hop_limit(255)
        .protocol(IPPROTO_ICMPV6)
        .icmpv6_type(133, 137)
        .accept();
    append_rule(messages, chain, "neighbour discovery accept", std::move(neighbours));
}

std::string segment_chain(std::uint16_t segment) {
    return "segment_" + std::to_string(segment);
}

void append_segment_chain(Messages& messages, std::uint16_t segment) {
    const std::string chain = segment_chain(segment);
    messages.push_back(add_chain(messages.table, chain));
    Expressions rule;
    rule.tcp_syn().segment(segment);
    messages.push_back(
        add_rule(messages.table, chain, "tcp syn segment " + std::to_string(segment), rule.take()));
}

std::set<std::uint16_t> segments_of(const TableContents& contents) {
    std::set<std::uint16_t> result;
    for (const policy::ClampedPair& clamped : contents.clamped) {
        result.insert(clamped.segment);
    }
    return result;
}

FamilyElements elements_of(const TableContents& contents, AddressFamily family) {
    FamilyElements result;
    for (const auto& [local_start, local_end, remote_start, remote_end] : contents.rules.guarded) {
        if (local_start.family() == family) {
            result.outbound.push_back({local_start, local_end, remote_start, remote_end});
            result.inbound.push_back({remote_start, remote_end, local_start, local_end});
        }
    }
    for (const auto& [pair, segment] : contents.clamped) {
        if (pair.local_start.family() == family) {
            result.clamp.push_back({pair.local_start, pair.local_end, pair.remote_start,
                                    pair.remote_end, segment_chain(segment)});
        }
    }
    std::ranges::sort(result.outbound);
    std::ranges::sort(result.inbound);
    std::ranges::sort(result.clamp);
    return result;
}

template <class Set, class Element>
void append_elements(Messages& messages,
                     NetlinkMessage (*make)(const std::string&, const Set&,
                                            std::span<const Element>),
                     const Set& set, std::span<const Element> elements) {
    while (!elements.empty()) {
        const std::size_t count = std::min(elements.size(), most_elements);
        messages.push_back(make(messages.table, set, elements.first(count)));
        elements = elements.subspan(count);
    }
}

void append_pairs(Messages& messages, const AddressPairSet& set,
                  std::span<const AddressPairRange> ranges) {
    append_elements<AddressPairSet, AddressPairRange>(messages, add_elements, set, ranges);
}

void append_sets(Messages& messages, const TableContents& contents) {
    if (std::span<const std::string> names = contents.rules.tunnel_interfaces; !names.empty()) {
        messages.push_back(add_set(messages.table, tunnels));
        append_elements<InterfaceSet, std::string>(messages, add_elements, tunnels, names);
    }
    for (const FamilySets& sets : families) {
        const FamilyElements elements = elements_of(contents, sets.family);
        messages.push_back(add_set(messages.table, sets.outbound));
        append_pairs(messages, sets.outbound, elements.outbound);
        messages.push_back(add_set(messages.table, sets.inbound));
        append_pairs(messages, sets.inbound, elements.inbound);
        messages.push_back(add_map(messages.table, sets.clamp));
        append_pairs(messages, sets.clamp, elements.clamp);
    }
}

/// Whether some packet is of both.
bool overlap(const policy::ProtectedPair& one, const policy::ProtectedPair& other) {
    return one.local_start <= other.local_end && other.local_start <= one.local_end &&
           one.remote_start <= other.remote_end && other.remote_start <= one.remote_end;
}

/// An element that is to be deleted is told by its key alone.
std::vector<AddressPairRange> keys(std::vector<AddressPairRange> elements) {
    for (AddressPairRange& element : elements) {
        element.chain.clear();
    }
    return elements;
}

void append_difference(Messages& messages, const AddressPairSet& set,
                       const std::vector<AddressPairRange>& before,
                       const std::vector<AddressPairRange>& after) {
    append_elements<AddressPairSet, AddressPairRange>(messages, delete_elements, set,
                                                      keys(without(before, after)));
    append_pairs(messages, set, without(after, before));
}

/// What is passed on and says that it is the router's own. Of IPv4 the kernel takes in no such
/// packet (fib_validate_source()); of IPv6 it does, and behind this chain it would pass for the
/// router's.
void append_forged_guard(Messages& messages) {
    for (const FamilySets& sets : families) {
        Expressions rule;
        rule.source_is_local().address_pair_in(sets.outbound).count_in(guard_out).drop();
        append_rule(messages, guard_forward,
                    "fib saddr type local saddr . daddr @" + sets.outbound.name + " drop",
                    std::move(rule));
    }
}

void append_guards(Messages& messages, const policy::FirewallRules& rules) {
    messages.push_back(add_chain(messages.table, guard_forward));
    if (rules.packets_wait) {
        append_forged_guard(messages);
    } else {
        append_outbound_guard(messages, guard_forward, rules);
    }
    append_inbound_guard(messages, guard_forward);
    const BaseChain& leaving = rules.packets_wait ? guard_leaving : guard_output;
    messages.push_back(add_chain(messages.table, leaving));
    append_clear_exceptions(messages, leaving, rules);
    append_outbound_guard(messages, leaving, rules);
    messages.push_back(add_chain(messages.table, guard_input));
    append_clear_exceptions(messages, guard_input, rules);
    append_inbound_guard(messages, guard_input);
    append_guard_behind_nat(messages, rules);
}

} // namespace

std::vector<NetlinkMessage> install_transaction(const char* name, const TableContents& contents,
                                                const policy::GuardCounters& counted,
                                                TableOwner owner) {
    Messages messages(name);
    // Deleting fails where there is nothing, adding does not.
    messages.push_back(ensure_table(messages.table));
    messages.push_back(delete_table(messages.table));
    messages.push_back(add_table(messages.table, comment, owner));
    messages.push_back(
        add_counter(messages.table, guard_out, {counted.outbound_packets, counted.outbound_bytes}));
    messages.push_back(
        add_counter(messages.table, guard_in, {counted.inbound_packets, counted.inbound_bytes}));
    if (contents.abandoned) {
        messages.push_back(add_chain(messages.table, abandoned));
    }
    append_null_mappings(messages);
    for (const std::uint16_t segment : segments_of(contents)) {
        append_segment_chain(messages, segment);
    }
    append_sets(messages, contents);
    append_guards(messages, contents.rules);
    append_clamp(messages, clamp_forward, contents.rules);
    append_clamp(messages, clamp_output, contents.rules);
    append_clamp(messages, clamp_input, contents.rules);
    return std::move(messages).take();
}

std::vector<NetlinkMessage> update_transaction(const TableContents& before,
                                               const TableContents& after) {
    Messages messages(table_name);
    const auto segments_before = segments_of(before);
    const auto segments_after = segments_of(after);
    for (const std::uint16_t segment : without(segments_after, segments_before)) {
        append_segment_chain(messages, segment);
    }
    for (const FamilySets& sets : families) {
        const FamilyElements old = elements_of(before, sets.family);
        const FamilyElements wanted = elements_of(after, sets.family);
        append_difference(messages, sets.outbound, old.outbound, wanted.outbound);
        append_difference(messages, sets.inbound, old.inbound, wanted.inbound);
        append_difference(messages, sets.clamp, old.clamp, wanted.clamp);
    }
    for (const std::uint16_t segment : without(segments_before, segments_after)) {
        messages.push_back(delete_chain(messages.table, segment_chain(segment)));
    }
    if (messages.list.size() == 1) {
        return {};
    }
    return std::move(messages).take();
}

std::vector<policy::ProtectedPair> open_meanwhile(const TableContents& before,
                                                  const TableContents& after) {
    const auto sorted = [](std::vector<policy::ProtectedPair> pairs) {
        std::ranges::sort(pairs);
        return pairs;
    };
    const auto old = sorted(before.rules.guarded);
    const auto wanted = sorted(after.rules.guarded);
    const auto deleted = without(old, wanted);
    auto added = without(wanted, old);
    if (deleted.size() * added.size() > most_comparisons) {
        return added;
    }
    std::erase_if(added, [&](const policy::ProtectedPair& pair) {
        return std::ranges::none_of(deleted,
                                    [&](const auto& other) { return overlap(pair, other); });
    });
    return added;
}

std::vector<NetlinkMessage> remove_transaction() {
    Messages messages(table_name);
    messages.push_back(delete_table(table_name));
    return std::move(messages).take();
}

std::vector<NetlinkMessage> remove_bridge_transaction() {
    Messages messages(bridge_name);
    messages.push_back(ensure_table(bridge_name));
    messages.push_back(delete_table(bridge_name));
    return std::move(messages).take();
}

std::vector<NetlinkMessage> mark_transaction() {
    Messages messages(table_name);
    messages.push_back(add_chain(table_name, abandoned));
    return std::move(messages).take();
}

std::vector<NetlinkMessage> unmark_transaction() {
    Messages messages(table_name);
    messages.push_back(delete_chain(table_name, abandoned));
    return std::move(messages).take();
}

std::vector<NetlinkMessage> look_up_mark() {
    std::vector<NetlinkMessage> messages;
    messages.push_back(get_chain(table_name, abandoned));
    return messages;
}

std::vector<NetlinkMessage> look_up() {
    std::vector<NetlinkMessage> messages;
    messages.push_back(get_table(table_name));
    return messages;
}

std::vector<NetlinkMessage> look_up_counters() {
    std::vector<NetlinkMessage> messages;
    messages.push_back(get_counter(table_name, guard_out));
    messages.push_back(get_counter(table_name, guard_in));
    return messages;
}

} // namespace viaduct::netns::nft
