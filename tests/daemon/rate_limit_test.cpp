#include "daemon/rate_limit.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(rate_limit)

BOOST_AUTO_TEST_CASE(a_burst_passes_then_a_trickle_with_the_count_of_what_did_not) {
    using namespace std::chrono_literals;
    RateLimit limit(2.0, 3.0);
    RateLimit::TimePoint now{1000s};
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST((limit.admit(now) == 0U));
    }
    for (int i = 0; i < 100; ++i) {
        BOOST_TEST(!limit.admit(now));
    }
    now += 500ms;
    BOOST_TEST((limit.admit(now) == 100U));
    BOOST_TEST(!limit.admit(now));
    now += 1h;
    BOOST_TEST((limit.admit(now) == 1U));
    BOOST_TEST((limit.admit(now) == 0U));
    BOOST_TEST((limit.admit(now) == 0U));
    BOOST_TEST(!limit.admit(now));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
