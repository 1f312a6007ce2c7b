#include "policy/connection_file.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(duration)

using namespace viaduct::policy;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_duration_is_a_number_with_a_unit) {
    BOOST_TEST((parse_duration("30s") == 30s));
    BOOST_TEST((parse_duration("5m") == 5min));
    BOOST_TEST((parse_duration("8h") == 8h));
    BOOST_TEST((parse_duration("1d") == 24h));
    BOOST_TEST((parse_duration("0s") == 0s));
    for (const auto* const text : {"", "s", "30", "30 s", " 30s", "30s ", "-1s", "+1s", "1.5h",
                                   "1h30m", "30S", "1w", "0x1s", "99999999999999999999s"})
        BOOST_TEST(!parse_duration(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(ten_years_are_the_limit_in_every_unit) {
    BOOST_TEST((parse_duration("3650d") == 3650 * 24h));
    BOOST_TEST(!parse_duration("3651d").has_value());
    BOOST_TEST(parse_duration("315360000s").has_value());
    BOOST_TEST(!parse_duration("315360001s").has_value());
    BOOST_TEST(!parse_duration("9223372036854775807d").has_value());
}

BOOST_AUTO_TEST_CASE(milliseconds_are_a_unit_where_they_matter) {
    BOOST_TEST((parse_milliseconds("250ms") == 250ms));
    BOOST_TEST((parse_milliseconds("0ms") == 0ms));
    BOOST_TEST((parse_milliseconds("2s") == 2000ms));
    BOOST_TEST((parse_milliseconds("1m") == 60000ms));
    BOOST_TEST((parse_milliseconds("315360000000ms") == 3650 * 24h));
    for (const auto* const text : {"", "ms", "-1ms", "1.5ms", "1 ms", "1Ms", "1us", "250",
                                   "315360000001ms", "99999999999999999999ms"})
        BOOST_TEST(!parse_milliseconds(text).has_value(), text);
    BOOST_TEST(!parse_duration("250ms").has_value());
    BOOST_TEST(milliseconds_text(250ms) == "250ms");
    BOOST_TEST(milliseconds_text(1500ms) == "1500ms");
    BOOST_TEST(milliseconds_text(2000ms) == "2s");
    BOOST_TEST(milliseconds_text(0ms) == "0s");
}

BOOST_AUTO_TEST_CASE(durations_are_written_in_the_largest_unit_that_divides) {
    BOOST_TEST(duration_text(8h) == "8h");
    BOOST_TEST(duration_text(90s) == "90s");
    BOOST_TEST(duration_text(3600s) == "1h");
    BOOST_TEST(duration_text(48h) == "2d");
    BOOST_TEST(duration_text(25h) == "25h");
    BOOST_TEST(duration_text(120s) == "2m");
    BOOST_TEST(duration_text(0s) == "0s");
}

BOOST_AUTO_TEST_SUITE_END()
