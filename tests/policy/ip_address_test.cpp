#include "policy/ip_address.h"
#include "tests/policy/print_values.h"
#include "tests/policy/random_cases.h"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>

BOOST_AUTO_TEST_SUITE(ip_address)

using namespace viaduct::policy;

BOOST_AUTO_TEST_CASE(a_dotted_quad_has_exactly_four_numbers_without_leading_zeros) {
    BOOST_TEST(IpAddress::parse("10.10.10.5").value() == IpAddress::v4(10, 10, 10, 5));
    BOOST_TEST(IpAddress::parse("0.0.0.0").value() == IpAddress());
    BOOST_TEST(IpAddress::parse("255.255.255.255").value() ==
               IpAddress::highest(AddressFamily::ipv4));
    for (const auto* const text :
         {"", "1", "1.2.3", "1.2.3.", "1.2.3.4.", ".1.2.3", "1..2.3", "1.2.3.4.5", "256.1.1.1",
          "01.2.3.4", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "0x1.2.3.4", "1.2.3.4/24",
          "1.2.3.4%eth0", "1.2.3.1000", "a.b.c.d"})
        BOOST_TEST(!IpAddress::parse(text), text);
}

// The forms of RFC 5952 sections 1 to 5.
const std::pair<const char*, const char*> ipv6_forms[] = {
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
    {"2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"},
    {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"},
    {"2001:db8:aaaa:bbbb:cccc:dddd::1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"},
    {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
    {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"0:0:0:0:0:0:0:0", "::"},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    {"::ffff:c000:201", "::ffff:192.0.2.1"},
    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"::1.2.3.4", "::102:304"},
};

BOOST_AUTO_TEST_CASE(ipv6_is_read_in_every_form_and_written_in_one) {
    for (const auto& [given, written] : ipv6_forms) {
        BOOST_TEST_CONTEXT(given) {
            const auto address = IpAddress::parse(given);
            BOOST_REQUIRE(address);
            BOOST_TEST(address->to_string() == written);
            BOOST_TEST(IpAddress::parse(written).value() == *address);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_ipv6_address_is_refused) {
    for (const auto* const text : {":",
                                   ":::",
                                   "1",
                                   "1:",
                                   ":1",
                                   "1:2:3:4:5:6:7",
                                   "1:2:3:4:5:6:7:8:9",
                                   "1::2::3",
                                   "1:2:3:4::5:6:7:8",
                                   "::1:2:3:4:5:6:7:8",
                                   "12345::",
                                   "g::",
                                   "::-1",
                                   "::+1",
                                   "::1 ",
                                   "fe80::1%eth0",
                                   "::1.2.3",
                                   "::1.2.3.256",
                                   "1.2.3.4::",
                                   "::1.2.3.4:5",
                                   "1:2:3:4:5:6:7:1.2.3.4",
                                   "[::1]",
                                   "::1/128",
                                   "0x1::",
                                   "1:2:3:4:5:6:7:8:",
                                   ":1:2:3:4:5:6:7:8",
                                   "1.2.3.4:5"})
        BOOST_TEST(!IpAddress::parse(text), text);
}

BOOST_AUTO_TEST_CASE(the_system_agrees_about_random_texts) {
    RandomCases cases;
    constexpr std::string_view letters = "0123:::..afg";
    for (int i = 0; i < 200000; ++i) {
        std::string text;
        for (auto length = cases.below(18); length > 0; --length)
            text += letters[cases.below(static_cast<std::uint32_t>(letters.size()))];
        std::array<std::uint8_t, 16> octets{};
        std::optional<IpAddress> expected;
        if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1)
            expected = IpAddress::v4(std::span(octets).first<4>());
        else if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1)
            expected = IpAddress::v6(octets);
        // glibc takes "::" for no group at all, which RFC 4291 2.2 does not.
        const bool empty_gap = text.contains("::") &&
                               std::ranges::count(text, ':') == (text.contains('.') ? 7 : 8) &&
                               !text.starts_with("::") && !text.ends_with("::");
        if (!empty_gap)
            BOOST_REQUIRE_MESSAGE(IpAddress::parse(text) == expected,
                                  text << " with seed " << cases.seed());
    }
}

BOOST_AUTO_TEST_CASE(random_addresses_survive_their_text) {
    RandomCases cases;
    for (int i = 0; i < 20000; ++i) {
        const auto family = i % 2 == 0 ? AddressFamily::ipv4 : AddressFamily::ipv6;
        const auto address = cases.below(2) == 0
                                 ? cases.any_address(family)
                                 : cases.any_address(family).network(cases.below(129));
        BOOST_REQUIRE_MESSAGE(IpAddress::parse(address.to_string()) == address,
                              address.to_string() << " with seed " << cases.seed());
    }
}

BOOST_AUTO_TEST_CASE(families_are_never_equal_even_when_all_octets_are) {
    BOOST_TEST(IpAddress::unspecified(AddressFamily::ipv4) !=
               IpAddress::unspecified(AddressFamily::ipv6));
    BOOST_TEST(IpAddress::parse("::ffff:1.2.3.4").value() != IpAddress::v4(1, 2, 3, 4));
    BOOST_TEST(IpAddress::parse("::").value().is_unspecified());
    BOOST_TEST(!IpAddress::parse("::1").value().is_unspecified());
}

BOOST_AUTO_TEST_CASE(network_and_broadcast_clear_and_set_the_bits_behind_the_prefix) {
    const auto address = IpAddress::v4(192, 168, 77, 201);
    BOOST_TEST(address.network(24).to_string() == "192.168.77.0");
    BOOST_TEST(address.network(20).to_string() == "192.168.64.0");
    BOOST_TEST(address.network(0).to_string() == "0.0.0.0");
    BOOST_TEST(address.network(32) == address);
    BOOST_TEST(address.network(33) == address);
    BOOST_TEST(address.broadcast(24).to_string() == "192.168.77.255");
    BOOST_TEST(address.broadcast(20).to_string() == "192.168.79.255");
    BOOST_TEST(address.broadcast(0) == IpAddress::highest(AddressFamily::ipv4));
    BOOST_TEST(address.broadcast(200) == address);
    const auto six = IpAddress::parse("2001:db8:1234::1").value();
    BOOST_TEST(six.network(33).to_string() == "2001:db8::");
    BOOST_TEST(six.broadcast(112).to_string() == "2001:db8:1234::ffff");
    BOOST_TEST(six.broadcast(0) == IpAddress::highest(AddressFamily::ipv6));
}

BOOST_AUTO_TEST_CASE(neighbours_carry_over_octets_and_end_with_the_family) {
    BOOST_TEST(IpAddress::v4(10, 0, 0, 255).next()->to_string() == "10.0.1.0");
    BOOST_TEST(IpAddress::v4(10, 0, 1, 0).previous()->to_string() == "10.0.0.255");
    BOOST_TEST(!IpAddress::highest(AddressFamily::ipv4).next());
    BOOST_TEST(!IpAddress::highest(AddressFamily::ipv6).next());
    BOOST_TEST(!IpAddress::unspecified(AddressFamily::ipv4).previous());
    BOOST_TEST(!IpAddress::unspecified(AddressFamily::ipv6).previous());
    BOOST_TEST(IpAddress::parse("::ffff:ffff").value().next()->to_string() == "::1:0:0");
}

BOOST_AUTO_TEST_CASE(a_subnet_is_an_address_without_host_bits) {
    BOOST_TEST(Subnet::parse("192.168.10.0/24")->to_string() == "192.168.10.0/24");
    BOOST_TEST(Subnet::parse("192.168.10.10")->to_string() == "192.168.10.10/32");
    BOOST_TEST(Subnet::parse("0.0.0.0/0")->to_string() == "0.0.0.0/0");
    BOOST_TEST(Subnet::parse("2001:db8::/32")->to_string() == "2001:db8::/32");
    BOOST_TEST(Subnet::parse("::1")->to_string() == "::1/128");
    for (const auto* const text :
         {"192.168.10.1/24", "192.168.10.0/33", "192.168.10.0/", "192.168.10.0/024",
          "192.168.10.0/-1", "192.168.10.0/ 24", "/24", "", "::/129", "::1/64", "10.0.0.0/8/8",
          "10.0.0.0/255.0.0.0", "10.0.0.0/1000"})
        BOOST_TEST(!Subnet::parse(text), text);
}

BOOST_AUTO_TEST_CASE(a_subnet_contains_its_range_only) {
    const auto subnet = Subnet::parse("192.168.10.0/23").value();
    BOOST_TEST(subnet.contains(IpAddress::v4(192, 168, 10, 0)));
    BOOST_TEST(subnet.contains(IpAddress::v4(192, 168, 11, 255)));
    BOOST_TEST(!subnet.contains(IpAddress::v4(192, 168, 12, 0)));
    BOOST_TEST(!subnet.contains(IpAddress::v4(192, 168, 9, 255)));
    BOOST_TEST(!Subnet::parse("::/0")->contains(IpAddress::v4(1, 2, 3, 4)));
    BOOST_TEST(Subnet::parse("::/0")->contains(IpAddress::highest(AddressFamily::ipv6)));
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_written_with_its_port_in_brackets) {
    BOOST_TEST((UdpEndpoint{IpAddress::v4(192, 0, 2, 1), 500}.to_string()) == "192.0.2.1[500]");
}

BOOST_AUTO_TEST_SUITE_END()
