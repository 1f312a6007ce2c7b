#include "policy/address_pairs.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(address_pairs)

using namespace viaduct::policy;

namespace {

ClampedPair clamped(const char* local, const char* remote, std::uint16_t segment) {
    const auto ours = TrafficSelector::from_subnet(Subnet::parse(local).value());
    const auto theirs = TrafficSelector::from_subnet(Subnet::parse(remote).value());
    return {{ours.start_address, ours.end_address, theirs.start_address, theirs.end_address},
            segment};
}

std::vector<std::string> texts(const std::vector<ClampedPair>& pairs) {
    std::vector<std::string> lines;
    for (const auto& [pair, segment] : pairs) {
        lines.push_back(pair.local_start.to_string() + "-" + pair.local_end.to_string() + " > " +
                        pair.remote_start.to_string() + "-" + pair.remote_end.to_string() + ": " +
                        std::to_string(segment));
    }
    return lines;
}

void require_apart(std::vector<ClampedPair> pairs, const std::vector<std::string>& lines) {
    BOOST_TEST(texts(cut_apart(std::move(pairs))) == lines, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(pairs_are_made_within_a_family_and_of_valid_selectors) {
    const auto selector = [](const char* text) { return TrafficSelector::parse(text).value(); };
    auto wrong = selector("10.3.0.0/16");
    std::swap(wrong.start_address, wrong.end_address);
    const std::vector local{selector("10.0.0.0/24"), selector("fd00:1::/64"), wrong};
    const std::vector remote{selector("10.1.0.0/24[tcp/443]"), selector("fd00:2::/64")};
    BOOST_TEST(pairs_of(local, remote).size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_shortest_segment_counts_where_pairs_overlap) {
    require_apart(
        {clamped("10.0.0.0/24", "10.1.0.0/16", 1400), clamped("10.0.0.0/24", "10.1.2.0/24", 1300)},
        {"10.0.0.0-10.0.0.255 > 10.1.0.0-10.1.1.255: 1400",
         "10.0.0.0-10.0.0.255 > 10.1.2.0-10.1.2.255: 1300",
         "10.0.0.0-10.0.0.255 > 10.1.3.0-10.1.255.255: 1400"});
}

BOOST_AUTO_TEST_CASE(neighbours_with_different_segments_stay_apart) {
    require_apart({clamped("10.0.0.0/25", "10.1.0.0/24", 1400),
                   clamped("10.0.0.128/25", "10.1.0.0/24", 1300),
                   clamped("10.0.0.0/24", "10.1.1.0/24", 1200)},
                  {"10.0.0.0-10.0.0.127 > 10.1.0.0-10.1.0.255: 1400",
                   "10.0.0.0-10.0.0.127 > 10.1.1.0-10.1.1.255: 1200",
                   "10.0.0.128-10.0.0.255 > 10.1.0.0-10.1.0.255: 1300",
                   "10.0.0.128-10.0.0.255 > 10.1.1.0-10.1.1.255: 1200"});
}

BOOST_AUTO_TEST_CASE(families_do_not_mix) {
    require_apart(
        {clamped("fd00:1::/64", "fd00:2::/64", 1380), clamped("10.0.0.0/24", "10.1.0.0/24", 1400)},
        {"10.0.0.0-10.0.0.255 > 10.1.0.0-10.1.0.255: 1400",
         "fd00:1::-fd00:1::ffff:ffff:ffff:ffff > "
         "fd00:2::-fd00:2::ffff:ffff:ffff:ffff: 1380"});
}

BOOST_AUTO_TEST_CASE(any_pairs_keep_their_shortest_segment_everywhere) {
    // A square of 16 by 16 addresses, so that every pair of addresses can be looked at.
    std::mt19937 random(20261124);
    const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
    const auto address = [](unsigned net, unsigned last) {
        return IpAddress::v4(10, static_cast<std::uint8_t>(net), 0,
                             static_cast<std::uint8_t>(last));
    };
    for (int round = 0; round < 500; ++round) {
        std::vector<ClampedPair> pairs;
        std::uint16_t wanted[16][16]{};
        for (unsigned count = below(6); count > 0; --count) {
            const unsigned a = below(16), b = a + below(16 - a);
            const unsigned c = below(16), d = c + below(16 - c);
            const auto segment = static_cast<std::uint16_t>(1400 + below(3));
            pairs.push_back(
                {{address(0, a), address(0, b), address(1, c), address(1, d)}, segment});
            for (unsigned x = a; x <= b; ++x) {
                for (unsigned y = c; y <= d; ++y) {
                    wanted[x][y] = wanted[x][y] == 0 ? segment : std::min(wanted[x][y], segment);
                }
            }
        }
        const auto apart = cut_apart(pairs);
        BOOST_TEST(std::ranges::is_sorted(apart));
        for (unsigned x = 0; x < 16; ++x) {
            for (unsigned y = 0; y < 16; ++y) {
                unsigned covering = 0;
                for (const auto& [pair, segment] : apart) {
                    if (pair.local_start <= address(0, x) && address(0, x) <= pair.local_end &&
                        pair.remote_start <= address(1, y) && address(1, y) <= pair.remote_end) {
                        ++covering;
                        BOOST_REQUIRE(segment == wanted[x][y]);
                    }
                }
                BOOST_REQUIRE(covering == (wanted[x][y] == 0 ? 0u : 1u));
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
