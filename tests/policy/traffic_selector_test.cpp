#include "policy/traffic_selector.h"
#include "tests/policy/print_values.h"
#include "tests/policy/random_cases.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(traffic_selector)

using namespace viaduct::policy;

namespace {

TrafficSelector subnet(std::string_view text) {
    return TrafficSelector::from_subnet(Subnet::parse(text).value());
}
TrafficSelector range(std::string_view start, std::string_view end) {
    TrafficSelector selector;
    selector.start_address = IpAddress::parse(start).value();
    selector.end_address = IpAddress::parse(end).value();
    return selector;
}
TrafficSelector with(TrafficSelector selector, std::uint8_t protocol, std::uint16_t start,
                     std::uint16_t end) {
    selector.protocol = protocol;
    selector.start_port = start;
    selector.end_port = end;
    return selector;
}
std::string subnets(const TrafficSelector& selector) {
    std::string text;
    for (const auto& part : selector.subnets())
        text += (text.empty() ? "" : " ") + part.to_string();
    return text;
}

const auto net = subnet("192.168.10.0/24");

} // namespace

// covers 7296-3.13.1-a, 7296-3.13.1-b
BOOST_AUTO_TEST_CASE(a_subnet_means_all_its_addresses_protocols_and_ports) {
    BOOST_TEST(net.start_address.to_string() == "192.168.10.0");
    BOOST_TEST(net.end_address.to_string() == "192.168.10.255");
    BOOST_TEST((net.protocol == 0 && net.start_port == 0 && net.end_port == 65535));
    BOOST_TEST(net.is_valid());
}

BOOST_AUTO_TEST_CASE(ranges_that_end_before_they_begin_are_invalid) {
    BOOST_TEST(!range("10.0.0.2", "10.0.0.1").is_valid());
    BOOST_TEST(!range("10.0.0.2", "::1").is_valid());
    BOOST_TEST(!with(net, 6, 2, 1).is_valid());
    BOOST_TEST(with(net, 6, 65535, 0).is_valid());
    BOOST_TEST(!with(net, 6, 65535, 1).is_valid());
    const auto invalid = with(net, 6, 2, 1);
    BOOST_TEST(!net.contains(invalid));
    BOOST_TEST(!invalid.contains(invalid));
    BOOST_TEST(!net.intersect(invalid).has_value());
    BOOST_TEST(range("10.0.0.2", "10.0.0.1").subnets().empty());
}

BOOST_AUTO_TEST_CASE(the_common_part_has_the_narrower_of_each_field) {
    BOOST_TEST(subnet("10.0.0.0/8").intersect(subnet("10.1.0.0/16")).value() ==
               subnet("10.1.0.0/16"));
    BOOST_TEST(range("10.0.0.0", "10.0.0.9").intersect(range("10.0.0.5", "10.0.0.20")).value() ==
               range("10.0.0.5", "10.0.0.9"));
    BOOST_TEST(!subnet("10.0.0.0/24").intersect(subnet("10.0.1.0/24")).has_value());
    BOOST_TEST(!subnet("0.0.0.0/0").intersect(subnet("::/0")).has_value());
    BOOST_TEST(net.intersect(with(net, 6, 443, 443)).value() == with(net, 6, 443, 443));
    BOOST_TEST(!with(net, 17, 0, 65535).intersect(with(net, 6, 443, 443)).has_value());
    BOOST_TEST(with(net, 6, 1, 100).intersect(with(net, 6, 50, 200)).value() ==
               with(net, 6, 50, 100));
    BOOST_TEST(!with(net, 6, 1, 10).intersect(with(net, 6, 11, 20)).has_value());
}

BOOST_AUTO_TEST_CASE(two_lists_meet_where_one_selector_meets_another) {
    using List = std::vector<TrafficSelector>;
    const List two{subnet("10.0.0.0/24"), subnet("10.0.2.0/24")};
    BOOST_TEST(meet(two, List{subnet("10.0.1.0/24"), range("10.0.2.255", "10.0.3.0")}));
    BOOST_TEST(!meet(two, List{subnet("10.0.1.0/24"), subnet("10.0.3.0/24")}));
    BOOST_TEST(!meet(two, List{}));
}

// covers 7296-3.13.1-d
BOOST_AUTO_TEST_CASE(opaque_ports_lie_inside_any_port_only) {
    const auto opaque = with(net, 6, 65535, 0);
    BOOST_TEST(net.contains(opaque));
    BOOST_TEST(opaque.contains(opaque));
    BOOST_TEST(!opaque.contains(net));
    BOOST_TEST(opaque.intersect(with(net, 6, 0, 65535)).value() == opaque);
    BOOST_TEST(!opaque.intersect(with(net, 6, 443, 443)).has_value());
    BOOST_TEST(!with(net, 6, 0, 65534).contains(opaque));
}

BOOST_AUTO_TEST_CASE(icmp_types_and_codes_are_one_number) {
    const auto echo = with(net, 1, 0x0800, 0x0800);
    const auto echo_any_code = with(net, 1, 0x0800, 0x08ff);
    BOOST_TEST(echo_any_code.contains(echo));
    BOOST_TEST(!echo.contains(echo_any_code));
    BOOST_TEST(!echo.intersect(with(net, 1, 0x0000, 0x00ff)).has_value());
}

BOOST_AUTO_TEST_CASE(selectors_are_written_as_the_field_writes_them) {
    BOOST_TEST(net.to_string() == "192.168.10.0/24");
    BOOST_TEST(range("10.0.0.1", "10.0.0.9").to_string() == "10.0.0.1-10.0.0.9");
    BOOST_TEST(range("10.0.0.1", "10.0.0.1").to_string() == "10.0.0.1/32");
    BOOST_TEST(subnet("::/0").to_string() == "::/0");
    BOOST_TEST(with(net, 6, 0, 65535).to_string() == "192.168.10.0/24[tcp]");
    BOOST_TEST(with(net, 6, 443, 443).to_string() == "192.168.10.0/24[tcp/443]");
    BOOST_TEST(with(net, 17, 1, 9).to_string() == "192.168.10.0/24[udp/1-9]");
    BOOST_TEST(with(net, 99, 0, 65535).to_string() == "192.168.10.0/24[99]");
    BOOST_TEST(with(net, 0, 443, 443).to_string() == "192.168.10.0/24[any/443]");
    BOOST_TEST(with(net, 6, 65535, 0).to_string() == "192.168.10.0/24[tcp/OPAQUE]");
    BOOST_TEST(with(net, 1, 0x0800, 0x0800).to_string() == "192.168.10.0/24[icmp/8(0)]");
    BOOST_TEST(with(net, 1, 0x0800, 0x08ff).to_string() == "192.168.10.0/24[icmp/8]");
    BOOST_TEST(with(net, 1, 0x0300, 0x0801).to_string() == "192.168.10.0/24[icmp/3(0)-8(1)]");
    BOOST_TEST(range("10.0.0.2", "10.0.0.1").to_string() == "10.0.0.2-10.0.0.1");
    const std::vector both{net, subnet("10.0.0.0/8")};
    BOOST_TEST(to_string(both) == "192.168.10.0/24, 10.0.0.0/8");
}

BOOST_AUTO_TEST_CASE(ranges_fall_into_subnets) {
    BOOST_TEST(subnets(net) == "192.168.10.0/24");
    BOOST_TEST(subnets(range("10.0.0.1", "10.0.0.9")) ==
               "10.0.0.1/32 10.0.0.2/31 10.0.0.4/30 10.0.0.8/31");
    BOOST_TEST(subnets(subnet("0.0.0.0/0")) == "0.0.0.0/0");
    BOOST_TEST(subnets(subnet("::/0")) == "::/0");
    BOOST_TEST(subnets(range("255.255.255.254", "255.255.255.255")) == "255.255.255.254/31");
    BOOST_TEST(subnets(range("10.0.0.255", "10.0.1.0")) == "10.0.0.255/32 10.0.1.0/32");
}

BOOST_AUTO_TEST_CASE(the_most_ragged_ranges_stay_within_the_bound) {
    BOOST_TEST(range("0.0.0.1", "255.255.255.254").subnets().size() == 62u);
    const auto all = IpAddress::highest(AddressFamily::ipv6).previous()->to_string();
    BOOST_TEST(range("::1", all).subnets().size() == 254u);
}

BOOST_AUTO_TEST_CASE(subnets_cover_a_random_range_exactly) {
    RandomCases cases;
    for (int i = 0; i < 5000; ++i) {
        const auto family = i % 2 == 0 ? AddressFamily::ipv4 : AddressFamily::ipv6;
        TrafficSelector selector;
        selector.start_address = cases.any_address(family);
        selector.end_address = cases.below(2) == 0
                                   ? cases.any_address(family)
                                   : selector.start_address.broadcast(cases.below(129));
        if (selector.end_address < selector.start_address)
            std::swap(selector.start_address, selector.end_address);
        auto next = std::optional(selector.start_address);
        bool contiguous = true;
        for (const auto& part : selector.subnets()) {
            contiguous = contiguous && next == part.address &&
                         part.address.network(part.prefix_length) == part.address;
            next = part.address.broadcast(part.prefix_length).next();
        }
        BOOST_REQUIRE_MESSAGE(contiguous && next == selector.end_address.next(),
                              selector << " with seed " << cases.seed());
    }
}

BOOST_AUTO_TEST_CASE(the_common_part_lies_inside_both_and_does_not_depend_on_the_order) {
    RandomCases cases;
    for (int i = 0; i < 50000; ++i) {
        const auto a = cases.selector();
        const auto b = cases.selector();
        const auto both = a.intersect(b);
        const bool inside = both ? a.contains(*both) && b.contains(*both) && both->is_valid()
                                 : !a.contains(b) && !b.contains(a);
        // Of so many cases Boost's own check of each takes most of the time.
        if (both != b.intersect(a) || !inside)
            BOOST_FAIL(a << " and " << b << ", seed " << cases.seed());
    }
}

BOOST_AUTO_TEST_SUITE_END()
