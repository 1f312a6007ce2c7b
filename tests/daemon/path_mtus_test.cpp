#include "daemon/path_mtus.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <string>

BOOST_AUTO_TEST_SUITE(path_mtus)

using namespace viaduct;
using namespace std::chrono_literals;
using daemon::PathMtus;
using netns::PathEnds;

namespace {

PathEnds path_to(std::size_t peer) {
    return {policy::IpAddress::v4(10, 0, 0, 1),
            policy::IpAddress::v4(10, 1, static_cast<std::uint8_t>(peer / 256),
                                  static_cast<std::uint8_t>(peer % 256))};
}

/// A router whose kernel answers at once; time passes when a test says so.
struct Router {
    std::map<PathEnds, netns::PathMtu> known;
    std::size_t asked = 0;
    PathMtus::TimePoint now{1h};
    PathMtus paths{[this](std::span<const PathEnds> ends) {
        std::vector<netns::PathMtu> answers;
        for (const auto& each : ends) {
            ++asked;
            answers.push_back(known.at(each));
        }
        return answers;
    }};

    void use(std::size_t peer, netns::PathMtu mtu) {
        known.insert_or_assign(path_to(peer), mtu);
        static_cast<void>(paths.use(path_to(peer), now));
    }
    /// What reviews, one a second, find until the time is over.
    std::vector<PathMtus::Change> pass(std::chrono::seconds duration) {
        std::vector<PathMtus::Change> changes;
        for (const auto end = now + duration; now < end;) {
            now += 1s;
            const auto found = paths.review(now);
            changes.insert(changes.end(), found.begin(), found.end());
        }
        return changes;
    }
};

const netns::PathMtu no_route = std::unexpected(netns::SystemError{ENETUNREACH, "route", {}});

} // namespace

BOOST_AUTO_TEST_CASE(what_the_kernel_learns_of_a_path_and_forgets_is_followed) {
    Router router;
    router.use(1, 1500);
    BOOST_TEST(router.pass(60s).empty());
    for (const std::uint32_t mtu : {1400U, 1280U, 1500U}) {
        const auto before = router.paths.of(path_to(1));
        router.known.at(path_to(1)) = mtu;
        const auto changes = router.pass(PathMtus::interval);
        BOOST_REQUIRE(changes.size() == 1U);
        BOOST_TEST((changes[0].path == path_to(1)));
        BOOST_TEST(changes[0].before == before);
        BOOST_TEST(changes[0].now == mtu);
        BOOST_TEST(router.paths.of(path_to(1)) == mtu);
    }
    BOOST_TEST(router.pass(60s).empty());
}

BOOST_AUTO_TEST_CASE(a_path_of_many_tunnels_is_asked_for_once_in_its_interval) {
    Router router;
    for (int tunnel = 0; tunnel < 100; ++tunnel) {
        router.use(1, 1500);
        router.now += 100ms;
    }
    router.asked = 0;
    router.pass(10 * PathMtus::interval);
    BOOST_TEST(router.asked == 10U);
    for (int tunnel = 0; tunnel < 99; ++tunnel) {
        router.paths.leave(path_to(1));
    }
    router.pass(PathMtus::interval);
    BOOST_TEST(router.asked == 11U);
    router.paths.leave(path_to(1));
    router.pass(10 * PathMtus::interval);
    BOOST_TEST(router.asked == 11U);
}

BOOST_AUTO_TEST_CASE(many_paths_are_read_some_at_a_time_and_all_in_their_interval) {
    Router router;
    constexpr std::size_t count = 1000;
    for (std::size_t peer = 0; peer < count; ++peer) {
        router.use(peer, 1500);
        router.known.at(path_to(peer)) = 1400;
    }
    router.pass(PathMtus::interval - 1s);
    router.asked = 0;
    std::size_t changed = 0;
    for (int second = 0; second < 10; ++second) {
        const auto before = router.asked;
        changed += router.pass(1s).size();
        BOOST_TEST(router.asked - before <= count / 10 + 1);
    }
    BOOST_TEST(changed == count);
    BOOST_TEST(router.asked == count);
}

BOOST_AUTO_TEST_CASE(after_a_change_of_links_or_routes_it_is_read_soon_and_not_again_and_again) {
    Router router;
    router.use(1, 1500);
    router.now += 5s;
    router.known.at(path_to(1)) = 1400;
    router.paths.doubt(router.now);
    BOOST_TEST(router.pass(1s).size() == 1U);
    router.asked = 0;
    // Routes that never come to rest.
    for (int second = 0; second < 30; ++second) {
        router.paths.doubt(router.now);
        router.pass(1s);
    }
    BOOST_TEST(router.asked <= 15U);
    BOOST_TEST(router.asked >= 10U);
}

BOOST_AUTO_TEST_CASE(without_a_way_what_was_known_stays) {
    Router router;
    router.use(1, no_route);
    BOOST_TEST(router.paths.of(path_to(1)) == 1500U);
    router.use(2, 1400);
    router.known.at(path_to(2)) = no_route;
    BOOST_TEST(router.pass(60s).empty());
    BOOST_TEST(router.paths.of(path_to(2)) == 1400U);
    router.use(2, no_route);
    BOOST_TEST(router.paths.of(path_to(2)) == 1400U);
    router.known.at(path_to(1)) = 1300;
    BOOST_TEST(router.pass(60s).size() == 1U);
    BOOST_TEST(router.paths.of(path_to(1)) == 1300U);
}

BOOST_AUTO_TEST_SUITE_END()
