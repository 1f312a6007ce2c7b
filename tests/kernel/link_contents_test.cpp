// What the kernel lists and tells of an interface's addresses and routes: no privileges needed.
#include "netns/link_contents.h"

#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <linux/rtnetlink.h>
#include <net/if.h>

BOOST_AUTO_TEST_SUITE(link_contents)

using namespace viaduct;
using namespace viaduct::netns;
using test::Octets;
using test::with;

namespace {

const ListedLink tunnel{
    .index = 7, .name = "vti-a", .mtu = 1438, .up = true, .if_id = 1, .alias = {}};

policy::InterfaceAddress address(const char* value) {
    return policy::InterfaceAddress::parse(value).value();
}

policy::Subnet subnet(const char* value) {
    return policy::Subnet::parse(value).value();
}

Octets octets_of(const NetlinkMessage& message) {
    return {message.octets().begin(), message.octets().end()};
}

/// As the kernel tells of what a request did: of this kind, with these flags.
Octets told(const NetlinkMessage& request, std::uint16_t type, std::uint16_t flags = 0) {
    auto octets = octets_of(request);
    nlmsghdr head{};
    std::memcpy(&head, octets.data(), sizeof(head));
    head.nlmsg_len = static_cast<std::uint32_t>(octets.size());
    head.nlmsg_type = type;
    head.nlmsg_flags = flags;
    std::memcpy(octets.data(), &head, sizeof(head));
    return octets;
}

std::int32_t loser(const Octets& message) {
    const auto loss = read_interface_loss(message);
    return loss && !loss->replaced ? loss->interface : 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(lists_are_asked_for_one_interface_and_our_routes) {
    const auto addresses = test::take_apart(list_addresses(tunnel).octets(), sizeof(ifaddrmsg));
    BOOST_TEST(addresses.type == RTM_GETADDR);
    BOOST_TEST(addresses.flags == (NLM_F_REQUEST | NLM_F_DUMP));
    ifaddrmsg which{};
    std::memcpy(&which, addresses.fixed.data(), sizeof(which));
    BOOST_TEST(which.ifa_index == 7U);
    const auto routes = test::take_apart(list_our_routes(tunnel).octets(), sizeof(rtmsg));
    BOOST_TEST(routes.type == RTM_GETROUTE);
    rtmsg filter{};
    std::memcpy(&filter, routes.fixed.data(), sizeof(filter));
    BOOST_TEST(int{filter.rtm_table} == RT_TABLE_MAIN);
    BOOST_TEST(int{filter.rtm_protocol} == our_route_protocol);
    const auto interface = routes.attributes.find(RTA_OIF);
    BOOST_REQUIRE(interface != routes.attributes.end());
    BOOST_TEST((interface->second == Octets{7, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(what_we_add_is_known_again_in_a_list) {
    for (const auto* const text : {"169.254.10.1/30", "fd00:a::1/64"}) {
        const auto read =
            read_listed_address(told(add_address(tunnel, address(text)), RTM_NEWADDR));
        BOOST_REQUIRE(read);
        BOOST_TEST(read->interface == 7);
        BOOST_TEST((read->address == address(text)));
    }
    for (const auto* const text : {"192.168.20.0/24", "fd00:20::/64"}) {
        const auto read = read_listed_route(told(add_route(tunnel, subnet(text)), RTM_NEWROUTE));
        BOOST_REQUIRE(read);
        BOOST_TEST(read->interface == 7);
        BOOST_TEST(read->ours);
        BOOST_TEST((read->destination == subnet(text)));
    }
}

BOOST_AUTO_TEST_CASE(routes_of_others_are_told_apart) {
    const auto ours = told(add_route(tunnel, subnet("192.168.20.0/24")), RTM_NEWROUTE);
    const auto of = [&](const auto& change) {
        return read_listed_route(with<rtmsg>(ours, change));
    };
    const auto theirs = of([](rtmsg& fixed) { fixed.rtm_protocol = RTPROT_BIRD; });
    BOOST_REQUIRE(theirs);
    BOOST_TEST(!theirs->ours);
    BOOST_TEST(!of([](rtmsg& fixed) { fixed.rtm_type = RTN_BLACKHOLE; })->ours);
    BOOST_TEST(!of([](rtmsg& fixed) { fixed.rtm_table = RT_TABLE_LOCAL; }));
    BOOST_TEST(!of([](rtmsg& fixed) { fixed.rtm_family = AF_MPLS; }));
}

BOOST_AUTO_TEST_CASE(a_default_route_names_no_destination) {
    NetlinkMessage message("", RTM_NEWROUTE, 0);
    rtmsg fixed{};
    fixed.rtm_family = AF_INET6;
    fixed.rtm_table = RT_TABLE_MAIN;
    message.put_fixed(fixed);
    const auto read = read_listed_route(told(message, RTM_NEWROUTE));
    BOOST_REQUIRE(read);
    BOOST_TEST(read->destination.to_string() == "::/0");
    BOOST_TEST(read->interface == 0);
}

BOOST_AUTO_TEST_CASE(what_takes_something_away_is_heard) {
    BOOST_TEST(loser(told(delete_address(tunnel, address("10.0.0.1/30")), RTM_DELADDR)) == 7);
    BOOST_TEST(loser(told(delete_route(tunnel, subnet("10.1.0.0/16")), RTM_DELROUTE)) == 7);
    const auto up = told(bring_up(tunnel), RTM_NEWLINK);
    BOOST_TEST(loser(with<ifinfomsg>(up, [](ifinfomsg& link) { link.ifi_flags = 0; })) == 7);
    const auto replaced = read_interface_loss(
        told(add_route(tunnel, subnet("10.1.0.0/16")), RTM_NEWROUTE, NLM_F_REPLACE));
    BOOST_REQUIRE(replaced);
    BOOST_REQUIRE(replaced->replaced);
    BOOST_TEST(replaced->interface == 0);
    BOOST_TEST((*replaced->replaced == subnet("10.1.0.0/16")));
}

BOOST_AUTO_TEST_CASE(what_takes_nothing_away_is_passed_by) {
    BOOST_TEST(!read_interface_loss(told(bring_up(tunnel), RTM_NEWLINK)));
    const auto route = add_route(tunnel, subnet("10.1.0.0/16"));
    BOOST_TEST(!read_interface_loss(told(route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL)));
    BOOST_TEST(!read_interface_loss(with<rtmsg>(
        told(route, RTM_DELROUTE), [](rtmsg& fixed) { fixed.rtm_protocol = RTPROT_BIRD; })));
    BOOST_TEST(!read_interface_loss(
        told(add_address(tunnel, address("10.0.0.1/30")), RTM_NEWADDR, NLM_F_REPLACE)));
}

BOOST_AUTO_TEST_CASE(a_message_cut_short_is_nothing) {
    const auto whole = told(add_route(tunnel, subnet("10.1.0.0/16")), RTM_NEWROUTE, NLM_F_REPLACE);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        BOOST_TEST(!read_interface_loss(std::span(whole).first(size)));
        BOOST_TEST(!read_listed_route(std::span(whole).first(size)));
        BOOST_TEST(!read_listed_address(std::span(whole).first(size)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
