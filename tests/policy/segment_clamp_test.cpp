#include "policy/segment_clamp.h"

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(segment_clamp)

using namespace viaduct::policy;

namespace {

ChildSa child() {
    ChildSa result;
    result.local_address = IpAddress::v4(10, 10, 10, 5);
    result.remote_address = IpAddress::v4(10, 10, 10, 4);
    result.suite = {.encryption = EncryptionAlgorithm::aes_gcm_16, .key_bits = 256};
    for (const char* text : {"192.168.10.0/24", "fd00:10::/64"}) {
        result.local_selectors.push_back(TrafficSelector::parse(text).value());
    }
    for (const char* text : {"192.168.20.0/24", "192.168.30.0/24", "fd00:20::/64"}) {
        result.remote_selectors.push_back(TrafficSelector::parse(text).value());
    }
    return result;
}

std::vector<std::uint16_t> segments(const ChildSa& child, std::uint32_t mtu, std::uint16_t limit) {
    std::vector<std::uint16_t> result;
    for (const ClampedPair& pair : clamped_pairs(child, mtu, limit)) {
        result.push_back(pair.segment);
    }
    return result;
}

using Segments = std::vector<std::uint16_t>;

} // namespace

BOOST_AUTO_TEST_CASE(segments_fit_the_path_in_either_family) {
    BOOST_TEST(segments(child(), 1500, 0) == (Segments{1406, 1406, 1386}));
    BOOST_TEST(segments(child(), 1400, 0) == (Segments{1306, 1306, 1286}));
}

BOOST_AUTO_TEST_CASE(udp_and_an_outer_ipv6_header_take_their_share) {
    auto encapsulated = child();
    encapsulated.encapsulation = UdpEncapsulation{};
    BOOST_TEST(segments(encapsulated, 1500, 0) == (Segments{1398, 1398, 1378}));
    auto over_ipv6 = child();
    over_ipv6.local_address = IpAddress::parse("fd00:ffff::5").value();
    BOOST_TEST(segments(over_ipv6, 1500, 0) == (Segments{1386, 1386, 1366}));
}

BOOST_AUTO_TEST_CASE(an_operators_limit_only_lowers) {
    BOOST_TEST(segments(child(), 1500, 1300) == (Segments{1260, 1260, 1240}));
    BOOST_TEST(segments(child(), 1500, 9000) == (Segments{1406, 1406, 1386}));
}

BOOST_AUTO_TEST_CASE(transport_mode_and_interfaces_need_none) {
    auto transport = child();
    transport.mode = EspMode::transport;
    BOOST_TEST(segments(transport, 1500, 1300).empty());
    auto routed = child();
    routed.if_id = 5;
    BOOST_TEST(segments(routed, 1500, 1300).empty());
}

BOOST_AUTO_TEST_CASE(an_interface_cannot_tell_ipv6_of_less_than_1280) {
    auto routed = child();
    routed.if_id = 5;
    BOOST_TEST(segments(routed, 1336, 0).empty());
    BOOST_TEST(segments(routed, 1335, 0) == (Segments{1218}));
    BOOST_TEST(segments(routed, 1280, 0) == (Segments{1166}));
    routed.local_address = IpAddress::parse("fd00:ffff::5").value();
    BOOST_TEST(segments(routed, 1356, 0).empty());
    BOOST_TEST(segments(routed, 1280, 0) == (Segments{1146}));
}

BOOST_AUTO_TEST_SUITE_END()
