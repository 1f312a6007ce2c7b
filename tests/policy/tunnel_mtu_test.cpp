#include "policy/tunnel_mtu.h"

#include <boost/test/unit_test.hpp>

#include <array>

BOOST_AUTO_TEST_SUITE(tunnel_mtu)

using namespace viaduct::policy;

namespace {

Connection connection(std::initializer_list<const char*> proposals, const char* local) {
    Connection result;
    result.local_address = *IpAddress::parse(local);
    result.interface = TunnelInterface{.name = "vti-a", .addresses = {}};
    for (const auto* text : proposals)
        result.esp.proposals.push_back(parse_proposal(text, ProtocolId::esp).value());
    return result;
}

std::uint16_t mtu(const ConnectionSet& set, std::span<const std::uint32_t> paths) {
    return inner_mtu(wanted_interfaces(set).front(), paths);
}

} // namespace

// 1500 - 20 (IPv4) - 8 (UDP) - 8 (SPI, sequence number) - 8 (IV) - 16 (ICV) = 1440, which 4
// divides; less 2 of trailer.
BOOST_AUTO_TEST_CASE(what_fits_is_the_path_less_what_esp_adds) {
    BOOST_TEST(mtu({{connection({"aes128gcm16"}, "10.10.10.5")}}, std::array{1500U}) == 1438U);
    BOOST_TEST(mtu({{connection({"aes128gcm16"}, "fd00::5")}}, std::array{1500U}) == 1418U);
}

BOOST_AUTO_TEST_CASE(the_largest_of_all_proposals_and_the_narrowest_path_decide) {
    // 1500 - 20 - 8 - 8 - 16 (IV) - 32 (ICV) = 1416, of which 1408 in blocks of 16.
    const auto several = connection({"aes128gcm16", "aes256-sha256-sha512"}, "10.10.10.5");
    BOOST_TEST(mtu({{several}}, std::array{1500U}) == 1406U);
    auto other = connection({"aes128gcm16"}, "10.10.10.5");
    other.name = "other";
    BOOST_TEST(mtu({{several, other}}, std::array{9000U, 1400U}) == 1338U);
}

BOOST_AUTO_TEST_CASE(ipv6_always_has_room) {
    BOOST_TEST(mtu({{connection({"aes128gcm16"}, "10.10.10.5")}}, std::array{576U}) == 1280U);
}

BOOST_AUTO_TEST_SUITE_END()
