// What nft(8) sends for table.nft, which is how it lists our table, against what we send. nft says
// more in the sets' and rules' user data, which the kernel does not look into.
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

using namespace viaduct;
using namespace viaduct::test;

namespace {

constexpr std::uint16_t nft(std::uint16_t type) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
}

policy::FirewallRules rules() {
    const auto pair = [](const char* local_start, const char* local_end, const char* remote_start,
                         const char* remote_end) {
        const auto address = [](const char* text) {
            return policy::IpAddress::parse(text).value();
        };
        return policy::ProtectedPair{address(local_start), address(local_end),
                                     address(remote_start), address(remote_end)};
    };
    return {{pair("192.168.10.0", "192.168.10.255", "192.168.20.0", "192.168.20.255"),
             pair("192.168.10.0", "192.168.10.255", "192.168.30.0", "192.168.30.9"),
             pair("fd00:10::", "fd00:10::ffff:ffff:ffff:ffff",
                  "fd00:20::", "fd00:20::ffff:ffff:ffff:ffff")}};
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

std::vector<Octets> sent_by_us(const policy::FirewallRules& wanted) {
    std::vector<Octets> messages;
    for (const netns::NetlinkMessage& message : netns::nft::install_transaction(wanted)) {
        messages.emplace_back(message.octets().begin(), message.octets().end());
    }
    return messages;
}

void require_same(std::uint16_t type, std::uint16_t user_data) {
    const auto ours = of_type(sent_by_us(rules()), type, user_data);
    const auto theirs = of_type(sent_by_nft(), type, user_data);
    BOOST_TEST(!theirs.empty());
    BOOST_TEST(ours == theirs, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_SUITE(ruleset_transaction)

BOOST_AUTO_TEST_CASE(chains_are_what_nft_sends) {
    require_same(NFT_MSG_NEWCHAIN, NFTA_CHAIN_USERDATA);
}

BOOST_AUTO_TEST_CASE(sets_are_what_nft_sends) {
    require_same(NFT_MSG_NEWSET, NFTA_SET_USERDATA);
}

BOOST_AUTO_TEST_CASE(elements_are_what_nft_sends) {
    require_same(NFT_MSG_NEWSETELEM, 0);
}

BOOST_AUTO_TEST_CASE(rules_are_what_nft_sends) {
    require_same(NFT_MSG_NEWRULE, NFTA_RULE_USERDATA);
}

BOOST_AUTO_TEST_CASE(the_routers_own_ports_pass_in_clear) {
    const auto mentions = [](const policy::FirewallRules& wanted, std::uint16_t port) {
        const std::string text = "udp " + std::to_string(port) + " accept";
        const std::array<std::uint8_t, 2> octets{static_cast<std::uint8_t>(port >> 8),
                                                 static_cast<std::uint8_t>(port)};
        std::size_t rules = 0;
        for (const auto& message : netns::nft::install_transaction(wanted)) {
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
        for (const auto& message : netns::nft::install_transaction(wanted)) {
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
    BOOST_TEST((chains_with_outbound_guard(waiting) == std::set<std::string>{"guard_leaving"}));
    BOOST_TEST((chains_with_outbound_guard(rules()) ==
                std::set<std::string>{"guard_forward", "guard_output"}));
}

BOOST_AUTO_TEST_CASE(the_table_is_replaced_in_one_transaction) {
    const auto messages = netns::nft::install_transaction(rules());
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

BOOST_AUTO_TEST_CASE(many_elements_take_several_messages) {
    policy::FirewallRules many;
    for (std::uint8_t third = 0; third < 100; ++third) {
        for (std::uint8_t fourth = 0; fourth < 10; ++fourth) {
            const auto local = policy::IpAddress::v4(10, 0, third, fourth);
            const auto remote = policy::IpAddress::v4(10, 1, third, fourth);
            many.guarded.push_back({local, local, remote, remote});
        }
    }
    const auto messages = of_type(sent_by_us(many), NFT_MSG_NEWSETELEM, 0);
    // 256 + 256 + 256 + 232, out and in.
    BOOST_TEST(messages.size() == 8);
}

BOOST_AUTO_TEST_SUITE_END()
