// What nft(8) sends for table.nft, which is how it lists our table, against what we send. nft says
// more in the sets' and rules' user data, which the kernel does not look into.
#include "netns/nft/rule_message.h"
#include "netns/nft/ruleset_transaction.h"

#include "tests/crypto/vector_file.h"
#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(ruleset_transaction)

using namespace viaduct;
using namespace viaduct::test;

namespace {

constexpr std::uint16_t nft(std::uint16_t type) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
}

policy::ProtectedPair pair(const char* local_start, const char* local_end, const char* remote_start,
                           const char* remote_end) {
    const auto address = [](const char* text) { return policy::IpAddress::parse(text).value(); };
    return {address(local_start), address(local_end), address(remote_start), address(remote_end)};
}

policy::FirewallRules rules() {
    return {{pair("192.168.10.0", "192.168.10.255", "192.168.20.0", "192.168.20.255"),
             pair("192.168.10.0", "192.168.10.255", "192.168.30.0", "192.168.30.9"),
             pair("fd00:10::", "fd00:10::ffff:ffff:ffff:ffff",
                  "fd00:20::", "fd00:20::ffff:ffff:ffff:ffff")},
            {"ipsec0", "ipsec1"}};
}

/// What table.nft says.
netns::nft::TableContents contents() {
    const auto clamped = [](const char* source_start, const char* source_end,
                            const char* destination_start, const char* destination_end,
                            std::uint16_t segment) {
        return policy::ClampedPair{
            pair(source_start, source_end, destination_start, destination_end), segment};
    };
    return {rules(),
            {clamped("192.168.10.0", "192.168.10.127", "192.168.20.0", "192.168.20.127", 1406),
             clamped("192.168.10.0", "192.168.10.127", "192.168.20.128", "192.168.20.255", 1300),
             clamped("192.168.10.128", "192.168.10.255", "192.168.20.0", "192.168.20.255", 1406),
             clamped("192.168.20.0", "192.168.20.127", "192.168.10.0", "192.168.10.255", 1406),
             clamped("192.168.20.128", "192.168.20.255", "192.168.10.0", "192.168.10.127", 1300),
             clamped("192.168.20.128", "192.168.20.255", "192.168.10.128", "192.168.10.255", 1406),
             clamped("fd00:10::", "fd00:10::ffff:ffff:ffff:ffff",
                     "fd00:20::", "fd00:20::ffff:ffff:ffff:ffff", 1386),
             clamped("fd00:20::", "fd00:20::ffff:ffff:ffff:ffff",
                     "fd00:10::", "fd00:10::ffff:ffff:ffff:ffff", 1386)}};
}

/// The messages of one type, without flags, which only say how to treat what is there already.
std::vector<NetlinkParts> of_type(const std::vector<Octets>& messages, std::uint16_t type,
                                  std::uint16_t user_data) {
    std::vector<NetlinkParts> result;
    for (const Octets& message : messages) {
        NetlinkParts parts = take_apart(message, sizeof(nfgenmsg), user_data);
        if (parts.type == nft(type)) {
            parts.flags = 0;
            result.push_back(std::move(parts));
        }
    }
    return result;
}

std::vector<Octets> sent_by_nft() {
    std::vector<Octets> messages;
    for (const Vector& vector : read_vectors("tests/vectors/kernel/nft_table.txt")) {
        messages.push_back(vector.octets("octets"));
    }
    return messages;
}

std::vector<Octets> octets_of(const std::vector<netns::NetlinkMessage>& sent) {
    std::vector<Octets> messages;
    for (const netns::NetlinkMessage& message : sent) {
        messages.emplace_back(message.octets().begin(), message.octets().end());
    }
    return messages;
}

std::vector<Octets> sent_by_us(const netns::nft::TableContents& wanted) {
    return octets_of(netns::nft::install_transaction(netns::nft::table_name, wanted, {},
                                                     netns::nft::TableOwner::none));
}

/// `name`: the attribute by which the messages are put into one order, which is theirs and ours
/// within each name.
void require_same(std::uint16_t type, std::uint16_t user_data, std::uint16_t name) {
    const auto by_name = [&](const NetlinkParts& parts) {
        return parts.attributes.find(name)->second;
    };
    auto ours = of_type(sent_by_us(contents()), type, user_data);
    auto theirs = of_type(sent_by_nft(), type, user_data);
    std::ranges::stable_sort(ours, {}, by_name);
    std::ranges::stable_sort(theirs, {}, by_name);
    BOOST_TEST(!theirs.empty());
    BOOST_TEST(ours == theirs, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(chains_are_what_nft_sends) {
    require_same(NFT_MSG_NEWCHAIN, NFTA_CHAIN_USERDATA, NFTA_CHAIN_NAME);
}

BOOST_AUTO_TEST_CASE(sets_are_what_nft_sends) {
    require_same(NFT_MSG_NEWSET, NFTA_SET_USERDATA, NFTA_SET_NAME);
}

BOOST_AUTO_TEST_CASE(elements_are_what_nft_sends) {
    require_same(NFT_MSG_NEWSETELEM, 0, NFTA_SET_ELEM_LIST_SET);
}

BOOST_AUTO_TEST_CASE(rules_are_what_nft_sends) {
    require_same(NFT_MSG_NEWRULE, NFTA_RULE_USERDATA, NFTA_RULE_CHAIN);
}

BOOST_AUTO_TEST_CASE(counters_are_what_nft_sends) {
    require_same(NFT_MSG_NEWOBJ, 0, NFTA_OBJ_NAME);
}

BOOST_AUTO_TEST_CASE(what_takes_away_and_asks_is_what_nft_sends) {
    using namespace netns::nft;
    static const auto vectors = read_vectors("tests/vectors/kernel/nft_requests.txt");
    const auto is_sent = [](const std::string& name, const netns::NetlinkMessage& message,
                            std::uint16_t ours_alone = 0) {
        const auto found = std::ranges::find_if(
            vectors, [&](const Vector& vector) { return vector.text("case") == name; });
        BOOST_REQUIRE(found != vectors.end());
        auto theirs = take_apart(found->octets("octets"), sizeof(nfgenmsg));
        // Of the messages in a transaction nft(8) wants to hear failures only.
        if ((message.flags() & NLM_F_ACK) != 0) {
            theirs.flags |= NLM_F_ACK;
        }
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(take_apart(message.octets(), sizeof(nfgenmsg), ours_alone) == theirs);
        }
    };
    const AddressPairSet out4{"out4", policy::AddressFamily::ipv4, 0};
    const AddressPairSet clamp6{"clamp6", policy::AddressFamily::ipv6, 0};
    const auto of_ipv4 = pair("192.168.10.0", "192.168.10.255", "192.168.30.0", "192.168.30.9");
    const auto of_ipv6 = rules().guarded.at(2);
    const auto element = [](const policy::ProtectedPair& from) {
        return AddressPairRange{from.local_start, from.local_end, from.remote_start,
                                from.remote_end};
    };
    is_sent("begin", begin_transaction());
    is_sent("end", end_transaction());
    is_sent("add chain", add_chain("viaduct", "abandoned"));
    is_sent("delete chain", delete_chain("viaduct", "abandoned"));
    // A set's number, by which the kernel knows one that the same transaction has made.
    is_sent("delete element", delete_elements("viaduct", out4, std::array{element(of_ipv4)}),
            NFTA_SET_ELEM_LIST_SET_ID);
    is_sent("delete element of a map",
            delete_elements("viaduct", clamp6, std::array{element(of_ipv6)}),
            NFTA_SET_ELEM_LIST_SET_ID);
    is_sent("get table", get_table("viaduct"));
    is_sent("get counter", get_counter("viaduct", "guard_out"));
    is_sent("delete table", delete_table("viaduct"));
    // nft(8) lists all chains where we ask for one: the type is another, the rest is the same.
    const auto asked = take_apart(get_chain("viaduct", "abandoned").octets(), sizeof(nfgenmsg));
    auto deleted = take_apart(delete_chain("viaduct", "abandoned").octets(), sizeof(nfgenmsg));
    deleted.type = nft(NFT_MSG_GETCHAIN);
    BOOST_TEST(asked == deleted);
}

BOOST_AUTO_TEST_CASE(the_table_says_who_keeps_it) {
    const auto ours = of_type(sent_by_us(contents()), NFT_MSG_NEWTABLE, 0);
    const auto theirs = of_type(sent_by_nft(), NFT_MSG_NEWTABLE, 0);
    BOOST_REQUIRE(!theirs.empty());
    BOOST_TEST(ours.back() == theirs.front());
}

BOOST_AUTO_TEST_CASE(counters_go_on_where_they_were) {
    const auto counters =
        of_type(octets_of(netns::nft::install_transaction(netns::nft::table_name, contents(),
                                                          {.outbound_packets = 0x0102,
                                                           .outbound_bytes = 0x0304,
                                                           .inbound_packets = 0x0506,
                                                           .inbound_bytes = 0x0708},
                                                          netns::nft::TableOwner::none)),
                NFT_MSG_NEWOBJ, 0);
    BOOST_REQUIRE(counters.size() == 2u);
    // Bytes before packets, each behind a header of four octets.
    const auto values = [](const NetlinkParts& counter) {
        const Octets nested = counter.attributes.find(NFTA_OBJ_DATA | NLA_F_NESTED)->second;
        return std::pair(nested.at(10) << 8 | nested.at(11), nested.at(22) << 8 | nested.at(23));
    };
    BOOST_TEST((values(counters[0]) == std::pair(0x0304, 0x0102)));
    BOOST_TEST((values(counters[1]) == std::pair(0x0708, 0x0506)));
}

BOOST_AUTO_TEST_CASE(a_counter_is_read_back) {
    // The kernel answers in the form in which counters are made.
    const auto sent = octets_of(netns::nft::install_transaction(
        netns::nft::table_name, contents(),
        {.outbound_packets = 3, .outbound_bytes = 252, .inbound_packets = 0, .inbound_bytes = 0},
        netns::nft::TableOwner::none));
    const auto counter = std::ranges::find_if(sent, [](const Octets& message) {
        return take_apart(message, sizeof(nfgenmsg)).type == nft(NFT_MSG_NEWOBJ);
    });
    BOOST_TEST((netns::nft::read_counter(*counter) == netns::nft::Count{3, 252}));
    for (std::size_t length = 0; length < counter->size(); ++length) {
        const Octets cut(counter->begin(), counter->begin() + static_cast<std::ptrdiff_t>(length));
        BOOST_TEST(!netns::nft::read_counter(cut));
    }
    BOOST_TEST(!netns::nft::read_counter(sent.front()));
}

BOOST_AUTO_TEST_CASE(without_interfaces_nothing_speaks_of_them) {
    auto without = contents();
    without.rules.tunnel_interfaces.clear();
    const std::string name = "tunnels";
    for (const Octets& message : sent_by_us(without)) {
        BOOST_TEST(std::ranges::search(message, name).empty());
    }
    // Beside the interfaces' own rules, the same: one rule less for each direction of the clamp.
    BOOST_TEST(of_type(sent_by_us(without), NFT_MSG_NEWRULE, 0).size() + 2 ==
               of_type(sent_by_us(contents()), NFT_MSG_NEWRULE, 0).size());
}

BOOST_AUTO_TEST_CASE(an_update_touches_only_what_differs) {
    const auto before = contents();
    BOOST_TEST(netns::nft::update_transaction(before, before).empty());
    auto after = before;
    after.rules.guarded.erase(after.rules.guarded.begin() + 1);
    after.rules.guarded.push_back(pair("fd00:10::", "fd00:10::ffff:ffff:ffff:ffff",
                                       "fd00:30::", "fd00:30::ffff:ffff:ffff:ffff"));
    after.clamped[1].segment = 1200;
    const auto described = [](const std::vector<netns::NetlinkMessage>& messages) {
        std::vector<std::string> lines;
        std::ranges::transform(messages, std::back_inserter(lines),
                               &netns::NetlinkMessage::description);
        return lines;
    };
    const std::vector<std::string> expected{
        "nftables transaction",
        "add chain inet viaduct segment_1200",
        "add rule inet viaduct segment_1200: tcp syn segment 1200",
        "delete elements from set inet viaduct out4",
        "delete elements from set inet viaduct in4",
        "delete elements from set inet viaduct clamp4",
        "add elements to set inet viaduct clamp4",
        "add elements to set inet viaduct out6",
        "add elements to set inet viaduct in6",
        "end of the nftables transaction",
    };
    BOOST_TEST(described(netns::nft::update_transaction(before, after)) == expected,
               boost::test_tools::per_element());
    // Another pair still uses the chain for 1300; without it the chain goes too.
    auto last = after;
    last.clamped[4].segment = 1200;
    const auto messages = described(netns::nft::update_transaction(after, last));
    BOOST_TEST(messages[messages.size() - 2] == "delete chain inet viaduct segment_1300");
}

BOOST_AUTO_TEST_CASE(of_many_pairs_one_more_is_one_message_in_each_direction) {
    netns::nft::TableContents before{rules()};
    for (std::uint8_t third = 0; third < 50; ++third) {
        for (std::uint8_t fourth = 0; fourth < 100; ++fourth) {
            const auto local = policy::IpAddress::v4(10, 0, third, fourth);
            before.rules.guarded.push_back({local, local, local, local});
        }
    }
    auto after = before;
    const auto one = policy::IpAddress::v4(10, 1, 0, 0);
    after.rules.guarded.push_back({one, one, one, one});
    BOOST_TEST(netns::nft::update_transaction(before, after).size() == 4u);
}

BOOST_AUTO_TEST_CASE(pairs_that_give_way_to_others_that_overlap_them_need_a_bridge) {
    const auto wide = pair("192.168.10.0", "192.168.10.255", "192.168.0.0", "192.168.255.255");
    const auto apart = pair("10.0.0.0", "10.0.0.255", "10.1.0.0", "10.1.255.255");
    const netns::nft::TableContents before = contents();
    auto after = before;
    BOOST_TEST(netns::nft::open_meanwhile(before, after).empty());
    // One comes, one goes, and they have nothing in common.
    after.rules.guarded[1] = apart;
    BOOST_TEST(netns::nft::open_meanwhile(before, after).empty());
    after.rules.guarded[0] = wide;
    BOOST_TEST((netns::nft::open_meanwhile(before, after) == std::vector{wide}));
    BOOST_TEST((netns::nft::open_meanwhile(after, before) ==
                std::vector{before.rules.guarded[0], before.rules.guarded[1]}));
    // One in place of another at its border takes nothing over.
    auto next = before;
    next.rules.guarded[1] =
        pair("192.168.10.0", "192.168.10.255", "192.168.30.10", "192.168.30.20");
    BOOST_TEST(netns::nft::open_meanwhile(before, next).empty());
    next.rules.guarded[1].remote_start = before.rules.guarded[1].remote_end;
    BOOST_TEST((netns::nft::open_meanwhile(before, next) == std::vector{next.rules.guarded[1]}));
}

BOOST_AUTO_TEST_CASE(the_routers_own_ports_pass_in_clear) {
    const auto mentions = [](const policy::FirewallRules& wanted, std::uint16_t port) {
        const std::string text = "udp " + std::to_string(port) + " accept";
        const std::array<std::uint8_t, 2> octets{static_cast<std::uint8_t>(port >> 8),
                                                 static_cast<std::uint8_t>(port)};
        std::size_t rules = 0;
        for (const auto& message : netns::nft::install_transaction(
                 netns::nft::table_name, {wanted}, {}, netns::nft::TableOwner::none)) {
            const bool compares = !std::ranges::search(message.octets(), octets).empty();
            rules += message.description().contains(text) && compares ? 1u : 0u;
        }
        return rules;
    };
    auto own = rules();
    own.ike_port = 1500;
    own.nat_port = 14500;
    // One on the way out, one on the way in.
    BOOST_TEST(mentions(own, 1500) == 2);
    BOOST_TEST(mentions(own, 14500) == 2);
    BOOST_TEST(mentions(own, 500) == 0);
    BOOST_TEST(mentions(own, 4500) == 0);
    BOOST_TEST(mentions(rules(), 500) == 2);
    BOOST_TEST(mentions(rules(), 4500) == 2);
}

BOOST_AUTO_TEST_CASE(packets_that_wait_for_a_tunnel_are_looked_at_where_they_leave) {
    const auto chains_with_outbound_guard = [](const policy::FirewallRules& wanted) {
        std::set<std::string> chains;
        for (const auto& message : netns::nft::install_transaction(
                 netns::nft::table_name, {wanted, {}}, {}, netns::nft::TableOwner::none)) {
            if (!message.description().contains("rt ipsec missing")) {
                continue;
            }
            const auto parts = take_apart(message.octets(), sizeof(nfgenmsg));
            const auto& name = parts.attributes.find(NFTA_RULE_CHAIN)->second;
            chains.emplace(name.begin(), name.end() - 1);
        }
        return chains;
    };
    auto waiting = rules();
    waiting.packets_wait = true;
    // What NAT did is seen behind it in either case.
    BOOST_TEST((chains_with_outbound_guard(waiting) ==
                std::set<std::string>{"guard_leaving", "guard_postrouting"}));
    BOOST_TEST((chains_with_outbound_guard(rules()) ==
                std::set<std::string>{"guard_forward", "guard_output", "guard_postrouting"}));
}

BOOST_AUTO_TEST_CASE(what_is_passed_on_is_no_ike_of_the_routers_own) {
    using namespace std::string_literals;
    // `fib saddr type local` as nft(8) writes it: NFTA_FIB_RESULT is NFT_FIB_RESULT_ADDRTYPE,
    // NFTA_FIB_FLAGS is NFTA_FIB_F_SADDR, and what is compared is RTN_LOCAL in the host's order.
    const auto asks_for_source = [](const netns::NetlinkMessage& message) {
        const std::string octets(message.octets().begin(), message.octets().end());
        return octets.contains("fib\0"s) && octets.contains("\10\0\2\0\0\0\0\3"s) &&
               octets.contains("\10\0\3\0\0\0\0\1"s) && octets.contains("\10\0\1\0\2\0\0\0"s);
    };
    const auto rules_of = [&](const policy::FirewallRules& wanted, std::string_view begin,
                              std::string_view verdict) {
        std::vector<bool> found;
        for (const auto& message : netns::nft::install_transaction(
                 netns::nft::table_name, {wanted, {}}, {}, netns::nft::TableOwner::none)) {
            const auto& text = message.description();
            if (text.contains(begin) && text.contains(verdict))
                found.push_back(asks_for_source(message));
        }
        return found;
    };
    auto waiting = rules();
    waiting.packets_wait = true;
    const std::vector<bool> two(2, true), none;
    BOOST_TEST((rules_of(waiting, "guard_leaving: udp", "accept") == two));
    BOOST_TEST((rules_of(waiting, "guard_leaving: esp", "accept") == std::vector<bool>{true}));
    BOOST_TEST((rules_of(rules(), "guard_output: udp", "accept") == std::vector<bool>(2, false)));
    // One that takes the router's address is stopped where it is passed on.
    BOOST_TEST((rules_of(waiting, "guard_forward: fib saddr type local", "drop") == two));
    BOOST_TEST((rules_of(rules(), "guard_forward: fib saddr type local", "drop") == none));
}

BOOST_AUTO_TEST_CASE(the_table_is_replaced_in_one_transaction) {
    const auto messages = netns::nft::install_transaction(netns::nft::table_name, contents(), {},
                                                          netns::nft::TableOwner::none);
    BOOST_REQUIRE(messages.size() > 5);
    const auto type = [&](std::size_t index) {
        return take_apart(messages[index].octets(), sizeof(nfgenmsg)).type;
    };
    BOOST_TEST(type(0) == NFNL_MSG_BATCH_BEGIN);
    BOOST_TEST(type(1) == nft(NFT_MSG_NEWTABLE));
    BOOST_TEST(type(2) == nft(NFT_MSG_DELTABLE));
    BOOST_TEST(type(3) == nft(NFT_MSG_NEWTABLE));
    BOOST_TEST(type(messages.size() - 1) == NFNL_MSG_BATCH_END);
}

BOOST_AUTO_TEST_CASE(the_new_table_alone_is_given_an_owner) {
    const auto flags = [](netns::nft::TableOwner owner, std::size_t index) {
        const auto messages =
            netns::nft::install_transaction(netns::nft::table_name, contents(), {}, owner);
        const auto parts = take_apart(messages[index].octets(), sizeof(nfgenmsg));
        const auto found = parts.attributes.find(NFTA_TABLE_FLAGS);
        return found == parts.attributes.end() ? Octets{} : found->second;
    };
    // NFT_TABLE_F_OWNER 2 and NFT_TABLE_F_PERSIST 4, in network byte order. The table that is there
    // keeps its own until it is deleted: without its owner's flags the kernel refuses the message.
    BOOST_TEST(flags(netns::nft::TableOwner::maker, 1) == Octets{});
    BOOST_TEST(flags(netns::nft::TableOwner::maker, 3) == (Octets{0, 0, 0, 6}));
    BOOST_TEST(flags(netns::nft::TableOwner::none, 1) == Octets{});
    BOOST_TEST(flags(netns::nft::TableOwner::none, 3) == (Octets{0, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(many_elements_take_several_messages) {
    policy::FirewallRules many;
    for (std::uint8_t third = 0; third < 100; ++third) {
        for (std::uint8_t fourth = 0; fourth < 10; ++fourth) {
            const auto local = policy::IpAddress::v4(10, 0, third, fourth);
            const auto remote = policy::IpAddress::v4(10, 1, third, fourth);
            many.guarded.push_back({local, local, remote, remote});
        }
    }
    const auto messages = of_type(sent_by_us({many}), NFT_MSG_NEWSETELEM, 0);
    // 256 + 256 + 256 + 232, out and in.
    BOOST_TEST(messages.size() == 8);
}

BOOST_AUTO_TEST_SUITE_END()
