#include "ike/wire/v1_identification.h"

#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_identification)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using policy::Subnet;
using policy::TrafficSelector;
using test::octets;

namespace {

IdPayload id(IdType type, std::string_view data, std::uint8_t protocol = 0,
             std::uint16_t port = 0) {
    return {type, protocol, port, octets(data)};
}

std::string text(const IdPayload& payload) {
    const auto selector = selector_of(payload);
    return selector ? selector->to_string() : "refused";
}

TrafficSelector selector(std::string_view written) {
    return TrafficSelector::parse(written).value();
}

} // namespace

BOOST_AUTO_TEST_CASE(addresses_subnets_and_ranges_are_selectors) {
    BOOST_TEST(text(id(IdType::ipv4_subnet, "c0a80a00 ffffff00")) == "192.168.10.0/24");
    BOOST_TEST(text(id(IdType::ipv4_subnet, "c0a80a07 ffffff00")) == "192.168.10.0/24");
    BOOST_TEST(text(id(IdType::ipv4_subnet, "00000000 00000000")) == "0.0.0.0/0");
    BOOST_TEST(text(id(IdType::ipv4_subnet, "0a000000 fffffffe")) == "10.0.0.0/31");
    BOOST_TEST(text(id(IdType::ipv4_address, "0a000001", 6, 443)) == "10.0.0.1/32[tcp/443]");
    BOOST_TEST(text(id(IdType::ipv4_range, "0a000001 0a000009")) == "10.0.0.1-10.0.0.9");
    BOOST_TEST(text(id(IdType::ipv6_subnet,
                       "20010db8000a00000000000000000000 ffffffffffff00000000000000000000", 17)) ==
               "2001:db8:a::/48[udp]");
}

// covers 2408-5.8-b
BOOST_AUTO_TEST_CASE(what_is_no_selector_is_refused) {
    BOOST_TEST(text(id(IdType::fqdn, "677731")) == "refused");
    BOOST_TEST(text(id(IdType::ipv4_subnet, "c0a80a00 ff00ff00")) == "refused");
    BOOST_TEST(text(id(IdType::ipv4_subnet, "c0a80a00 00ffffff")) == "refused");
    BOOST_TEST(text(id(IdType::ipv4_subnet, "c0a80a00 ffffff")) == "refused");
    BOOST_TEST(text(id(IdType::ipv4_range, "0a000009 0a000001")) == "refused");
}

// covers 2408-5.8-a
BOOST_AUTO_TEST_CASE(a_selector_takes_the_shortest_form_and_comes_back) {
    struct Row {
        const char* text;
        IdType type;
    };
    const Row rows[] = {
        {"192.168.10.0/24", IdType::ipv4_subnet},
        {"10.0.0.1/32", IdType::ipv4_address},
        {"0.0.0.0/0", IdType::ipv4_subnet},
        {"2001:db8::1/128", IdType::ipv6_address},
        {"2001:db8::/32[tcp/22]", IdType::ipv6_subnet},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.text) {
            const auto payload = id_of(selector(row.text));
            BOOST_REQUIRE(payload);
            BOOST_TEST((payload->type == row.type));
            BOOST_TEST((selector_of(*payload).value() == selector(row.text)));
        }
    }
    TrafficSelector range = selector("10.0.0.0/24");
    range.end_address = *policy::IpAddress::parse("10.0.0.9");
    const auto payload = id_of(range);
    BOOST_REQUIRE(payload);
    BOOST_TEST((payload->type == IdType::ipv4_range));
    BOOST_TEST((selector_of(*payload).value() == range));
}

BOOST_AUTO_TEST_CASE(ports_that_ikev1_cannot_say_are_nothing) {
    BOOST_TEST(!id_of(selector("10.0.0.0/24[tcp/1024-2047]")));
    auto opaque = selector("10.0.0.0/24[tcp]");
    opaque.start_port = 65535;
    opaque.end_port = 0;
    BOOST_TEST(!id_of(opaque));
}

// covers 3947-4-k, 2407-4.6.2-a, 2408-3.8-a, 2408-5.8-a
BOOST_AUTO_TEST_CASE(an_identity_keeps_its_type) {
    const auto identity = policy::Identity::parse("vpn@right.example.org").value();
    const auto payload = id_of(identity);
    BOOST_TEST((payload.type == IdType::user_fqdn));
    BOOST_TEST(payload.protocol == 0);
    BOOST_TEST(payload.port == 0);
    BOOST_TEST((identity_of(payload) == identity));
}

BOOST_AUTO_TEST_SUITE_END()
