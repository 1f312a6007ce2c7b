#include "policy/traffic_selector.h"
#include "tests/policy/print_values.h"
#include "tests/policy/random_cases.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(traffic_selector_text)

using namespace viaduct::policy;

namespace {

TrafficSelector read(std::string_view text) {
    const auto selector = TrafficSelector::parse(text);
    BOOST_REQUIRE_MESSAGE(selector, text);
    BOOST_TEST(selector->is_valid(), text);
    return *selector;
}

/// `4: what is wrong`.
std::string mistake(std::string_view text) {
    const auto selector = TrafficSelector::parse(text);
    if (selector)
        return "none";
    return std::to_string(selector.error().offset) + ": " + selector.error().message;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back_the_same) {
    for (const auto* const text : {
             "192.168.10.0/24",
             "0.0.0.0/0",
             "::/0",
             "192.168.10.7/32[tcp]",
             "192.168.10.0/24[tcp/443]",
             "192.168.10.0/24[tcp/1024-2047]",
             "192.168.10.0/24[udp/0-1023]",
             "2001:db8::/32[sctp/65535]",
             "192.168.10.0/24[gre]",
             "192.168.10.0/24[99]",
             "192.168.10.0/24[33/5]",
             "192.168.10.0/24[icmp]",
             "192.168.10.0/24[icmp/8]",
             "192.168.10.0/24[icmp/8(0)]",
             "192.168.10.0/24[icmp/3(0)-8(1)]",
             "2001:db8::/32[icmpv6/133(0)-137(255)]",
         })
        BOOST_TEST(read(text).to_string() == text);
}

BOOST_AUTO_TEST_CASE(other_spellings_are_read_and_written_in_the_usual_one) {
    BOOST_TEST(read("192.168.10.7").to_string() == "192.168.10.7/32");
    BOOST_TEST(read("10.0.0.0/8[6]").to_string() == "10.0.0.0/8[tcp]");
    BOOST_TEST(read("10.0.0.0/8[47]").to_string() == "10.0.0.0/8[gre]");
    BOOST_TEST(read("10.0.0.0/8[tcp/0-65535]").to_string() == "10.0.0.0/8[tcp]");
    BOOST_TEST(read("10.0.0.0/8[tcp/7-7]").to_string() == "10.0.0.0/8[tcp/7]");
    BOOST_TEST(read("10.0.0.0/8[icmp/3-4]").to_string() == "10.0.0.0/8[icmp/3(0)-4(255)]");
    BOOST_TEST(read("10.0.0.0/8[icmp/0-255]").to_string() == "10.0.0.0/8[icmp]");
}

// RFC 7296 3.13.1: the type in the upper octet, the code in the lower one.
BOOST_AUTO_TEST_CASE(icmp_type_and_code_are_ports) {
    const auto echo = read("10.0.0.0/8[icmp/8(1)]");
    BOOST_TEST(echo.protocol == 1);
    BOOST_TEST(echo.start_port == 0x0801);
    BOOST_TEST(echo.end_port == 0x0801);
    const auto type = read("2001:db8::/32[icmpv6/129]");
    BOOST_TEST(type.protocol == 58);
    BOOST_TEST(type.start_port == 0x8100);
    BOOST_TEST(type.end_port == 0x81ff);
}

BOOST_AUTO_TEST_CASE(a_mistake_is_placed_inside_the_text) {
    BOOST_TEST(mistake("192.168.10.1/24[tcp]") ==
               "0: '192.168.10.1/24' has host bits set, did you mean '192.168.10.0/24'?");
    BOOST_TEST(mistake("[tcp]") == "0: '' is no subnet; expected one such as \"192.168.10.0/24\"");
    BOOST_TEST(mistake("10.0.0.0/8[tcp").starts_with("10: '10.0.0.0/8[tcp' does not end with ]"));
    BOOST_TEST(mistake("10.0.0.0/8[tcp]x").contains("does not end with ]"));
    BOOST_TEST(mistake("10.0.0.0/8[").contains("does not end with ]"));
    BOOST_TEST(mistake("10.0.0.0/8[]").starts_with("11: '' is no protocol"));
    BOOST_TEST(mistake("10.0.0.0/8[udb]") == "11: 'udb' is no protocol and no number of one (1 to "
                                             "255), did you mean 'udp'?");
    BOOST_TEST(mistake("10.0.0.0/8[256]").starts_with("11: '256' is no protocol"));
    BOOST_TEST(mistake("10.0.0.0/8[06]").starts_with("11: '06' is no protocol"));
    BOOST_TEST(mistake("10.0.0.0/8[TCP]").contains("did you mean 'tcp'?"));
    BOOST_TEST(mistake("10.0.0.0/8[any]") == "11: for every protocol leave '[any]' out");
    BOOST_TEST(mistake("10.0.0.0/8[0]") == "11: for every protocol leave '[0]' out");
    BOOST_TEST(mistake("10.0.0.0/8[gre/1]") == "15: protocol gre has no ports");
    BOOST_TEST(mistake("10.0.0.0/8[99/1]") == "14: protocol 99 has no ports");
    BOOST_TEST(mistake("10.0.0.0/8[icmpv6]") == "11: icmpv6 is of IPv6; expected icmp");
    BOOST_TEST(mistake("2001:db8::/32[icmp/8]") == "14: icmp is of IPv4; expected icmpv6");
}

BOOST_AUTO_TEST_CASE(ports_are_numbers_in_order) {
    for (const auto* const ports : {"", "-", "443-", "-443", "65536", "00", "0443", "+1", "1 ",
                                    "2-1", "1-2-3", "http", "443,444", "OPAQUE", "8(0)"})
        BOOST_TEST(mistake("10.0.0.0/8[tcp/" + std::string(ports) + "]") ==
                   "15: '" + std::string(ports) +
                       "' is no port; expected one such as 443, or 1024-2047");
    for (const auto* const type : {"", "256", "8(", "8()", "8(256)", "8(0", "8)0(", "(0)", "8(0)0",
                                   "4-3", "3(1)-3(0)", "8/0"})
        BOOST_TEST(mistake("10.0.0.0/8[icmp/" + std::string(type) + "]") ==
                   "16: '" + std::string(type) +
                       "' is no ICMP type; expected one such as 8, 3(1) or 3(0)-4(255)");
}

BOOST_AUTO_TEST_CASE(random_selectors_of_subnets_survive_their_text) {
    RandomCases cases;
    for (int i = 0; i < 20000; ++i) {
        auto selector = cases.selector();
        selector.end_address = selector.start_address;
        if (!selector.is_valid())
            continue;
        const auto text = selector.to_string();
        if (const auto again = TrafficSelector::parse(text))
            BOOST_REQUIRE_MESSAGE(*again == selector, text << " with seed " << cases.seed());
    }
}

BOOST_AUTO_TEST_SUITE_END()
