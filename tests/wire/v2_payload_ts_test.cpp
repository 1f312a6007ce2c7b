#include "tests/wire/payload_body.h"

#include <boost/test/unit_test.hpp>

#include <format>

BOOST_AUTO_TEST_SUITE(v2_payload_ts)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;

namespace {

constexpr auto tsi = PayloadType::ts_initiator;
constexpr auto ipv4 = "07 00 0010 0000 ffff c0a80a00 c0a80aff";

policy::TrafficSelector subnet(std::string_view text) {
    return policy::TrafficSelector::from_subnet(policy::Subnet::parse(text).value());
}

} // namespace

BOOST_AUTO_TEST_CASE(decodes_what_it_encodes_on_either_side_and_in_either_family) {
    auto web = subnet("2001:db8::/48");
    web.protocol = 6;
    web.start_port = web.end_port = 443;
    auto opaque = subnet("192.168.10.0/24");
    opaque.protocol = 17;
    opaque.start_port = 65535;
    opaque.end_port = 0;
    for (const auto side : {TsPayload::Side::initiator, TsPayload::Side::responder}) {
        const Payload payload = TsPayload{side, {subnet("0.0.0.0/0"), web, opaque}, 0};
        const auto decoded = decode_body(payload_type(payload), encode_body(payload));
        BOOST_TEST((decoded == Decoded<Payload>(payload)));
    }
}

BOOST_AUTO_TEST_CASE(a_selector_is_laid_out_as_the_rfc_says) {
    const Payload payload = TsPayload{TsPayload::Side::initiator, {subnet("192.168.10.0/24")}, 0};
    BOOST_TEST(encode_body(payload) == hexadecimal(octets(std::format("01 000000 {}", ipv4))));
}

BOOST_AUTO_TEST_CASE(what_nobody_can_accept_is_skipped_and_counted) {
    const auto* fibre_channel = "09 00 0018 00000000 00000000 00000000 00000000 00000000";
    const auto* empty = "f1 00 0004";
    const auto* backwards = "07 00 0010 0000 ffff c0a80aff c0a80a00";
    const auto* ports_backwards = "07 00 0010 0002 0001 c0a80a00 c0a80aff";
    const auto decoded = decode_body(tsi, std::format("05 000000 {}{}{}{}{}", fibre_channel, empty,
                                                      ipv4, backwards, ports_backwards));
    BOOST_REQUIRE(decoded);
    const auto& ts = std::get<TsPayload>(*decoded);
    BOOST_TEST(ts.skipped == 4);
    BOOST_TEST((ts.selectors == std::vector{subnet("192.168.10.0/24")}));
}

// covers class-selectors
BOOST_AUTO_TEST_CASE(counts_and_lengths_must_agree) {
    const auto with = [](const char* head, std::string_view selectors) {
        return fault(tsi, std::format("{}{}", head, selectors));
    };
    BOOST_TEST((with("00 000000", "") == DecodeFault::bad_value));
    BOOST_TEST((with("00 000000", ipv4) == DecodeFault::bad_value));
    BOOST_TEST((with("02 000000", ipv4) == DecodeFault::truncated));
    BOOST_TEST((with("ff 000000", ipv4) == DecodeFault::truncated));
    BOOST_TEST((with("01 000000", std::string(ipv4) + "00") == DecodeFault::trailing_octets));
    BOOST_TEST((with("01 000000", "07 00 0000") == DecodeFault::bad_length));
    BOOST_TEST((with("01 000000", "07 00 0003") == DecodeFault::bad_length));
    BOOST_TEST((with("01 000000", "07 00 0008 0000 ffff") == DecodeFault::bad_length));
    BOOST_TEST(
        (with("01 000000", "08 00 0010 0000 ffff 00000000 ffffffff") == DecodeFault::bad_length));
    BOOST_TEST((with("01 000000", "07 00 0011 0000 ffff 00000000 ffffffff 00") ==
                DecodeFault::bad_length));
    BOOST_TEST((with("01 000000", "09 00 0018 0000") == DecodeFault::truncated));
}

BOOST_AUTO_TEST_SUITE_END()
