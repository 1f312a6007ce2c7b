#include "policy/esp_overhead.h"

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(esp_overhead_of_suites)

using namespace viaduct::policy;

namespace {

constexpr auto ipv4 = AddressFamily::ipv4;
constexpr auto ipv6 = AddressFamily::ipv6;

constexpr EspSuite aes_gcm{.encryption = EncryptionAlgorithm::aes_gcm_16, .key_bits = 256};

EspSuite aes_cbc(IntegrityAlgorithm integrity) {
    return {.encryption = EncryptionAlgorithm::aes_cbc, .key_bits = 256, .integrity = integrity};
}

/// Every suite that can be made of the algorithms that this build knows.
std::vector<EspSuite> every_suite() {
    std::vector<EspSuite> suites;
    for (unsigned cipher = 0; cipher < 65536; ++cipher) {
        const auto* const encryption = facts(static_cast<EncryptionAlgorithm>(cipher));
        if (encryption == nullptr) {
            continue;
        }
        if (encryption->aead) {
            suites.push_back({.encryption = encryption->id, .key_bits = encryption->key_bits[0]});
            continue;
        }
        for (unsigned check = 0; check < 65536; ++check) {
            if (const auto* const integrity = facts(static_cast<IntegrityAlgorithm>(check))) {
                suites.push_back({.encryption = encryption->id,
                                  .key_bits = encryption->key_bits[0],
                                  .integrity = integrity->id});
            }
        }
    }
    return suites;
}

std::size_t longest(const EspSuite& suite, AddressFamily outer, EspCarrier carrier) {
    return esp_overhead(suite, outer, carrier).longest_inner(1500);
}

} // namespace

// By hand: 1500 minus the outer header (20 or 40), UDP (0 or 8), SPI and sequence number (8), IV
// and ICV, down to the alignment, minus two octets of trailer.
BOOST_AUTO_TEST_CASE(the_longest_packets_in_1500_octets) {
    using enum IntegrityAlgorithm;
    using enum EspCarrier;
    BOOST_TEST(longest(aes_gcm, ipv4, ip) == 1446u);
    BOOST_TEST(longest(aes_gcm, ipv4, udp) == 1438u);
    BOOST_TEST(longest(aes_gcm, ipv6, ip) == 1426u);
    BOOST_TEST(longest(aes_gcm, ipv6, udp) == 1418u);
    BOOST_TEST(longest(aes_cbc(hmac_sha1_96), ipv4, ip) == 1438u);
    BOOST_TEST(longest(aes_cbc(hmac_sha1_96), ipv4, udp) == 1422u);
    BOOST_TEST(longest(aes_cbc(hmac_sha2_256_128), ipv4, ip) == 1438u);
    BOOST_TEST(longest(aes_cbc(hmac_sha2_256_128), ipv4, udp) == 1422u);
    BOOST_TEST(longest(aes_cbc(hmac_sha2_256_128), ipv6, ip) == 1406u);
    BOOST_TEST(longest(aes_cbc(hmac_sha2_384_192), ipv4, ip) == 1422u);
    BOOST_TEST(longest(aes_cbc(hmac_sha2_512_256), ipv4, ip) == 1422u);
    BOOST_TEST(longest(aes_cbc(hmac_sha2_512_256), ipv6, udp) == 1390u);
}

BOOST_AUTO_TEST_CASE(what_fits_fits_and_one_octet_more_does_not) {
    const auto suites = every_suite();
    BOOST_TEST(suites.size() >= 5u);
    for (const EspSuite& suite : suites) {
        for (const auto outer : {ipv4, ipv6}) {
            for (const auto carrier : {EspCarrier::ip, EspCarrier::udp}) {
                const auto overhead = esp_overhead(suite, outer, carrier);
                for (std::size_t mtu = 200; mtu < 1600; ++mtu) {
                    const std::size_t inner = overhead.longest_inner(mtu);
                    BOOST_REQUIRE(overhead.outer_length(inner) <= mtu);
                    BOOST_REQUIRE(overhead.outer_length(inner + 1) > mtu);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(padding_goes_to_a_multiple_of_four_at_least) {
    const auto gcm = esp_overhead(aes_gcm, ipv4, EspCarrier::ip);
    // 20 + 8 + 8 in front, 16 behind.
    BOOST_TEST(gcm.outer_length(84) == 20u + 16 + 88 + 16);
    BOOST_TEST(gcm.outer_length(86) == 20u + 16 + 88 + 16);
    BOOST_TEST(gcm.outer_length(87) == 20u + 16 + 92 + 16);
    const auto cbc =
        esp_overhead(aes_cbc(IntegrityAlgorithm::hmac_sha2_256_128), ipv6, EspCarrier::udp);
    BOOST_TEST(cbc.outer_length(84) == 40u + 8 + 24 + 96 + 16);
}

BOOST_AUTO_TEST_CASE(nothing_fits_into_less_than_the_overhead) {
    const auto overhead = esp_overhead(aes_gcm, ipv4, EspCarrier::ip);
    BOOST_TEST(overhead.longest_inner(0) == 0u);
    BOOST_TEST(overhead.longest_inner(52) == 0u);
    BOOST_TEST(overhead.longest_inner(55) == 0u);
    BOOST_TEST(overhead.longest_inner(60) == 6u);
}

BOOST_AUTO_TEST_CASE(segments_leave_room_for_ip_and_tcp) {
    BOOST_TEST(segment_in(1446, ipv4) == 1406u);
    BOOST_TEST(segment_in(1446, ipv6) == 1386u);
    BOOST_TEST(segment_in(0, ipv4) == 88u);
    BOOST_TEST(segment_in(127, ipv4) == 88u);
    BOOST_TEST(segment_in(129, ipv4) == 89u);
    BOOST_TEST(segment_in(1000000, ipv6) == 65475u);
}

BOOST_AUTO_TEST_SUITE_END()
