#include "daemon/repair_pace.h"

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(repair_pace)

using viaduct::daemon::RepairPace;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(what_keeps_failing_is_tried_ever_more_slowly_and_said_once) {
    RepairPace pace;
    const RepairPace::TimePoint start(1h);
    std::vector<int> attempts;
    int said = 0;
    for (int second = 0; second < 150; ++second) {
        const auto now = start + std::chrono::seconds(second);
        if (pace.is_due(now)) {
            attempts.push_back(second);
            said += pace.on_failed(now, "EPERM") ? 1 : 0;
        }
    }
    BOOST_TEST(attempts == (std::vector{0, 1, 3, 7, 15, 31, 61, 91, 121}),
               boost::test_tools::per_element());
    BOOST_TEST(said == 1);
}

BOOST_AUTO_TEST_CASE(another_cause_is_said) {
    RepairPace pace;
    const RepairPace::TimePoint now(1h);
    BOOST_TEST(pace.on_failed(now, "EPERM"));
    BOOST_TEST(!pace.on_failed(now, "EPERM"));
    BOOST_TEST(pace.on_failed(now, "ENOMEM"));
    BOOST_TEST(pace.on_failed(now, "EPERM"));
}

BOOST_AUTO_TEST_CASE(attempts_that_somebody_else_causes_make_it_no_slower) {
    RepairPace pace;
    RepairPace::TimePoint now(1h);
    for (int failure = 0; failure < 9; ++failure) {
        pace.on_failed(now += 100ms, "ENOBUFS");
    }
    BOOST_TEST(pace.is_due(now + 1s));
    for (int failure = 0; failure < 9; ++failure) {
        pace.on_failed(now += 30s, "ENOBUFS");
    }
    BOOST_TEST(!pace.is_due(now + 29s));
    pace.on_failed(now, "EPERM");
    BOOST_TEST(pace.is_due(now + 1s));
}

BOOST_AUTO_TEST_CASE(after_a_success_it_begins_anew) {
    RepairPace pace;
    RepairPace::TimePoint now(1h);
    BOOST_TEST(!pace.on_done());
    for (int failure = 0; failure < 9; ++failure) {
        now += 30s;
        pace.on_failed(now, "EPERM");
    }
    BOOST_TEST(!pace.is_due(now + 29s));
    BOOST_TEST(pace.on_done());
    BOOST_TEST(!pace.on_done());
    BOOST_TEST(pace.is_due(now));
    BOOST_TEST(pace.on_failed(now, "EPERM"));
    BOOST_TEST(pace.is_due(now + 1s));
}

BOOST_AUTO_TEST_SUITE_END()
