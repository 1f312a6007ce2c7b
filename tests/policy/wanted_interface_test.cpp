#include "policy/wanted_interface.h"

#include "policy/child_sa.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(wanted_interface)

using namespace viaduct::policy;

namespace {

TrafficSelector selector(const char* text) {
    return TrafficSelector::parse(text).value();
}

Connection connection(std::string name, std::string interface) {
    Connection result;
    result.name = std::move(name);
    result.local_address = IpAddress::v4(10, 10, 10, 5);
    result.peer_address = IpAddress::v4(10, 10, 10, 4);
    result.local_selectors = {selector("192.168.10.0/24")};
    result.remote_selectors = {selector("192.168.20.0/24")};
    result.interface = TunnelInterface{.name = std::move(interface), .addresses = {}};
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_id_depends_on_the_name_alone_and_carries_our_mark) {
    // FNV-1a of "vti-a" is 0xd3b6cbec by an independent calculation.
    BOOST_TEST(interface_id("vti-a") == (reqid_mark | (0xb6cbecU ^ 0xd3U)));
    BOOST_TEST(interface_id("vti-a") != interface_id("vti-b"));
    BOOST_TEST(is_our_reqid(interface_id("")));
    Connection plain;
    BOOST_TEST(interface_id(plain) == 0U);
}

BOOST_AUTO_TEST_CASE(connections_that_name_the_same_interface_share_it) {
    auto one = connection("one", "vti-a");
    auto two = connection("two", "vti-a");
    one.interface->addresses = {*InterfaceAddress::parse("169.254.10.1/30")};
    two.interface->addresses = {*InterfaceAddress::parse("fd00::1/64"),
                                *InterfaceAddress::parse("169.254.10.1/30")};
    one.mtu = 1400;
    two.mtu = 1380;
    two.remote_selectors = {selector("192.168.30.0/24"), selector("192.168.20.0/24")};
    const ConnectionSet set{{one, two, connection("three", "vti-b"), Connection{}}};
    const auto wanted = wanted_interfaces(set);
    BOOST_REQUIRE(wanted.size() == 2U);
    BOOST_TEST(wanted[0].name == "vti-a");
    BOOST_TEST(wanted[0].if_id == interface_id("vti-a"));
    BOOST_TEST(wanted[0].mtu == 1380U);
    BOOST_TEST(wanted[0].addresses.size() == 2U);
    BOOST_REQUIRE(wanted[0].routes.size() == 2U);
    BOOST_TEST(wanted[0].routes[0].to_string() == "192.168.20.0/24");
    BOOST_TEST(wanted[0].routes[1].to_string() == "192.168.30.0/24");
    BOOST_TEST(wanted[0].connections.size() == 2U);
    BOOST_TEST(wanted[1].name == "vti-b");
    BOOST_TEST(wanted[1].mtu == 0U);
}

BOOST_AUTO_TEST_CASE(without_routes_none_is_wanted) {
    auto one = connection("one", "vti-a");
    one.interface->routes = false;
    const ConnectionSet set{{one}};
    BOOST_TEST(wanted_interfaces(set).front().routes.empty());
}

BOOST_AUTO_TEST_CASE(two_connections_cannot_have_the_same_subnets_on_one_interface) {
    const ConnectionSet before{{connection("one", "vti-a")}};
    BOOST_TEST(interface_conflict(before, connection("two", "vti-a")).has_value());
    BOOST_TEST(!interface_conflict(before, connection("two", "vti-b")));
    auto other = connection("two", "vti-a");
    other.remote_selectors = {selector("192.168.30.0/24")};
    BOOST_TEST(!interface_conflict(before, other));
    BOOST_TEST(!interface_conflict(before, Connection{}));
}

BOOST_AUTO_TEST_CASE(an_interface_too_narrow_for_ipv6_must_not_want_any) {
    auto narrow = connection("one", "vti-a");
    narrow.mtu = 1279;
    BOOST_TEST(!interface_conflict({}, narrow));
    narrow.interface->addresses = {InterfaceAddress::parse("fd00:a::1/64").value()};
    BOOST_TEST(interface_conflict({}, narrow).value() ==
               "with mtu = 1279 the interface 'vti-a' has no IPv6, which connection 'one' wants; "
               "expected at least 1280 (RFC 8200 section 5)");
    narrow.mtu = 1280;
    BOOST_TEST(!interface_conflict({}, narrow));
    narrow.mtu = 0;
    BOOST_TEST(!interface_conflict({}, narrow));
    narrow.interface->addresses.clear();
    narrow.mtu = 576;
    narrow.remote_selectors = {selector("fd00:20::/64")};
    BOOST_TEST(interface_conflict({}, narrow).has_value());
    // Without an interface it is a limit for TCP.
    narrow.interface.reset();
    BOOST_TEST(!interface_conflict({}, narrow));
}

BOOST_AUTO_TEST_CASE(a_connection_must_not_take_ipv6_from_another_on_its_interface) {
    auto narrow = connection("one", "vti-a");
    narrow.mtu = 1000;
    auto of_ipv6 = connection("two", "vti-a");
    of_ipv6.remote_selectors = {selector("fd00:20::/64")};
    const auto expected = "with mtu = 1000 of connection 'one' on the same interface the interface "
                          "'vti-a' has no IPv6, which connection 'two' wants; expected at least "
                          "1280 (RFC 8200 section 5)";
    BOOST_TEST(interface_conflict({{narrow}}, of_ipv6).value() == expected);
    BOOST_TEST(interface_conflict({{of_ipv6}}, narrow).value() == expected);
    of_ipv6.interface->name = "vti-b";
    BOOST_TEST(!interface_conflict({{narrow}}, of_ipv6));
}

BOOST_AUTO_TEST_CASE(a_route_must_not_lead_to_the_peer) {
    auto wide = connection("one", "vti-a");
    BOOST_TEST(!route_conflict(wide));
    wide.remote_selectors = {selector("10.10.0.0/16")};
    BOOST_TEST(route_conflict(wide).has_value());
    wide.remote_selectors = {selector("0.0.0.0/0")};
    BOOST_TEST(route_conflict(wide).has_value());
    wide.interface->routes = false;
    BOOST_TEST(!route_conflict(wide));
}

BOOST_AUTO_TEST_CASE(of_a_peer_without_address_only_a_default_route_is_known_to_lead_to_it) {
    auto named = connection("one", "vti-a");
    named.peer_address = PeerName{"gw.example.org"};
    named.remote_selectors = {selector("10.0.0.0/8")};
    BOOST_TEST(!route_conflict(named));
    named.remote_selectors = {selector("::/0")};
    BOOST_TEST(!route_conflict(named));
    named.remote_selectors = {selector("0.0.0.0/0")};
    BOOST_TEST(route_conflict(named).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
