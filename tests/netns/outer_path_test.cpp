// Which addresses a router can send from, and what the kernel says about the way to a peer.
#include "netns/outer_path.h"

#include "tests/netns/made_namespace.h"

#include <boost/test/unit_test.hpp>
#include <linux/rtnetlink.h>

#include <cstring>

using namespace viaduct;
using namespace viaduct::test;

namespace {

policy::IpAddress address(const char* text) {
    return policy::IpAddress::parse(text).value();
}

std::vector<bool> usable(const MadeNamespace& place, std::vector<policy::IpAddress> addresses) {
    return netns::usable_addresses(place.open(), addresses).value();
}

std::optional<netns::OuterRoute> route(const MadeNamespace& place, const char* peer,
                                       std::optional<policy::IpAddress> source = {}) {
    auto lookup = netns::RouteLookup::open(place.open()).value();
    return lookup.towards(address(peer), source).value();
}

std::vector<std::uint8_t> notification(std::uint16_t type, std::uint8_t table) {
    std::vector<std::uint8_t> octets(NLMSG_HDRLEN + sizeof(rtmsg));
    nlmsghdr head{};
    head.nlmsg_len = static_cast<std::uint32_t>(octets.size());
    head.nlmsg_type = type;
    rtmsg fixed{};
    fixed.rtm_table = table;
    std::memcpy(octets.data(), &head, sizeof(head));
    std::memcpy(octets.data() + NLMSG_HDRLEN, &fixed, sizeof(fixed));
    return octets;
}

} // namespace

BOOST_AUTO_TEST_SUITE(outer_path, *boost::unit_test::precondition(namespaces_can_be_made))

BOOST_AUTO_TEST_CASE(an_address_can_be_used_while_an_interface_has_it) {
    const MadeNamespace place;
    place.run("ip link set lo up");
    const std::vector wanted{address("192.0.2.1"), address("192.0.2.2"), address("2001:db8::1"),
                             address("2001:db8::2")};
    place.run("ip addr add 192.0.2.1/32 dev lo; ip addr add 2001:db8::1/128 dev lo nodad");
    BOOST_TEST(usable(place, wanted) == (std::vector<bool>{true, false, true, false}),
               boost::test_tools::per_element());
    place.run("ip addr del 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo");
    BOOST_TEST(usable(place, wanted) == (std::vector<bool>{false, true, true, false}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_address_under_duplicate_detection_cannot_be_used_yet) {
    const MadeNamespace place;
    // Without a carrier it never ends.
    place.run("ip link add outer type veth peer name other; ip link set outer up;"
              "ip addr add 2001:db8::1/64 dev outer");
    BOOST_CHECK(!usable(place, {address("2001:db8::1")}).front());
}

BOOST_AUTO_TEST_CASE(a_route_names_source_gateway_and_interface) {
    const MadeNamespace place;
    place.run("ip link add outer type veth peer name other; ip link set outer up;"
              "ip link set other up; ip addr add 192.0.2.1/24 dev outer");
    BOOST_CHECK(!route(place, "198.51.100.9").has_value());
    const auto on_link = route(place, "192.0.2.9").value();
    BOOST_CHECK(on_link.source == address("192.0.2.1"));
    BOOST_CHECK(on_link.gateway.empty());
    BOOST_CHECK_GT(on_link.interface, 1U);

    place.run("ip route add 198.51.100.0/24 via 192.0.2.254");
    const auto behind = route(place, "198.51.100.9").value();
    BOOST_CHECK(behind.source == address("192.0.2.1"));
    BOOST_TEST(behind.gateway == (std::vector<std::uint8_t>{192, 0, 2, 254}),
               boost::test_tools::per_element());
    place.run("ip route replace 198.51.100.0/24 via 192.0.2.253");
    BOOST_CHECK(route(place, "198.51.100.9") != behind);
    place.run("ip route replace unreachable 198.51.100.0/24");
    BOOST_CHECK(!route(place, "198.51.100.9").has_value());
}

BOOST_AUTO_TEST_CASE(rules_about_the_source_are_followed) {
    const MadeNamespace place;
    place.run("ip link add outer type veth peer name other; ip link set outer up;"
              "ip link set other up; ip addr add 192.0.2.1/24 dev outer;"
              "ip addr add 192.0.2.2/24 dev outer;"
              "ip rule add from 192.0.2.2 lookup 77;"
              "ip route add default via 192.0.2.253 table 77");
    BOOST_CHECK(!route(place, "198.51.100.9").has_value());
    BOOST_CHECK(!route(place, "198.51.100.9", address("192.0.2.1")).has_value());
    BOOST_CHECK(route(place, "198.51.100.9", address("192.0.2.2")).has_value());
}

BOOST_AUTO_TEST_CASE(ipv6_routes_are_read_too) {
    const MadeNamespace place;
    place.run("ip link add outer type veth peer name other; ip link set outer up;"
              "ip link set other up; ip addr add 2001:db8::1/64 dev outer nodad");
    BOOST_CHECK(!route(place, "2001:db8:1::9").has_value());
    place.run("ip route add 2001:db8:1::/64 via 2001:db8::fe");
    const auto found = route(place, "2001:db8:1::9").value();
    BOOST_CHECK(found.source == address("2001:db8::1"));
    BOOST_CHECK_EQUAL(found.gateway.size(), 16U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(path_event)

BOOST_AUTO_TEST_CASE(what_concerns_paths_is_told_from_the_rest) {
    using netns::PathEvent;
    const auto event = [](std::uint16_t type, std::uint8_t table = RT_TABLE_MAIN) {
        return netns::path_event(notification(type, table));
    };
    BOOST_CHECK(event(RTM_NEWADDR) == PathEvent::address);
    BOOST_CHECK(event(RTM_DELADDR) == PathEvent::address);
    BOOST_CHECK(event(RTM_NEWROUTE) == PathEvent::route);
    BOOST_CHECK(event(RTM_DELROUTE) == PathEvent::route);
    BOOST_CHECK(event(RTM_NEWROUTE, RT_TABLE_LOCAL) == PathEvent::none);
    BOOST_CHECK(event(RTM_NEWLINK) == PathEvent::none);
}

BOOST_AUTO_TEST_CASE(what_is_too_short_means_nothing) {
    const auto whole = notification(RTM_NEWROUTE, RT_TABLE_MAIN);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        BOOST_CHECK(netns::path_event(std::span(whole).first(length)) == netns::PathEvent::none);
    }
}

BOOST_AUTO_TEST_SUITE_END()
