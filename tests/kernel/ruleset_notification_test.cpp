#include "netns/nft/ruleset_notification.h"

#include "netns/nft/ruleset_transaction.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <string>

BOOST_AUTO_TEST_SUITE(ruleset_notification)

using namespace viaduct;
using namespace viaduct::test;

namespace {

constexpr std::uint32_t somebody = 4711;

/// What the kernel tells has the form in which it is asked for; the port is the changer's.
std::vector<Octets> notifications() {
    const auto one = policy::IpAddress::v4(10, 0, 0, 1);
    const netns::nft::TableContents contents{{{{one, one, one, one}}, {"ipsec0"}},
                                             {{{one, one, one, one}, 1400}}};
    std::vector<Octets> result;
    for (const auto& message : netns::nft::install_transaction(netns::nft::table_name, contents, {},
                                                               netns::nft::TableOwner::none)) {
        Octets octets(message.octets().begin(), message.octets().end());
        std::memcpy(octets.data() + offsetof(nlmsghdr, nlmsg_pid), &somebody, sizeof(somebody));
        result.push_back(std::move(octets));
    }
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_part_of_our_table_names_who_changed_it) {
    std::size_t told = 0;
    for (const Octets& octets : notifications()) {
        const bool in_table = octets[5] == NFNL_SUBSYS_NFTABLES;
        BOOST_TEST(netns::nft::changed_our_table(octets).has_value() == in_table);
        if (in_table) {
            ++told;
            BOOST_TEST(*netns::nft::changed_our_table(octets) == somebody);
        }
    }
    BOOST_TEST(told > 30u);
}

BOOST_AUTO_TEST_CASE(other_tables_families_and_generations_are_not_ours) {
    for (const Octets& octets : notifications()) {
        auto other = octets;
        const std::string name = "viaduct";
        const auto found = std::ranges::search(other, name);
        if (!found.empty()) {
            found.front() = 'V';
            BOOST_TEST(!netns::nft::changed_our_table(other));
        }
        auto family = octets;
        family[sizeof(nlmsghdr)] = 2; // NFPROTO_IPV4
        BOOST_TEST(!netns::nft::changed_our_table(family));
        auto generation = octets;
        generation[4] = NFT_MSG_NEWGEN;
        generation[5] = NFNL_SUBSYS_NFTABLES;
        BOOST_TEST(!netns::nft::changed_our_table(generation));
    }
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_is_nothing) {
    const auto whole = notifications().at(1);
    BOOST_REQUIRE(netns::nft::changed_our_table(whole));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        BOOST_TEST(!netns::nft::changed_our_table(cut));
    }
}

BOOST_AUTO_TEST_SUITE_END()
