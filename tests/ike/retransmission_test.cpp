#include "ike/retransmission.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(retransmission)

using namespace std::chrono_literals;

// covers 7296-2.4-f, 2408-5.1-b, 2408-5.1-c
BOOST_AUTO_TEST_CASE(waits_grow_up_to_the_longest_and_then_it_gives_up) {
    static constexpr policy::RetransmissionSchedule schedule{1s, 2.0, 5s, 5};
    TimePoint now{1h};
    Retransmission timer(now, schedule);
    std::vector<TimePoint::duration> waits;
    for (;;) {
        waits.push_back(timer.deadline() - now);
        now = timer.deadline();
        if (timer.on_deadline(now) == Retransmission::Verdict::give_up)
            break;
    }
    const std::vector<TimePoint::duration> expected{1s, 2s, 4s, 5s, 5s};
    BOOST_TEST((waits == expected));
    BOOST_TEST(timer.attempts() == 5u);
}

BOOST_AUTO_TEST_CASE(first_contact_takes_a_dozen_attempts_over_several_minutes) {
    TimePoint now{1h};
    const auto start = now;
    Retransmission timer(now, policy::first_contact_schedule);
    do
        now = timer.deadline();
    while (timer.on_deadline(now) == Retransmission::Verdict::send_again);
    BOOST_TEST(timer.attempts() == 12u);
    BOOST_TEST((now - start > 2min));
    BOOST_TEST((now - start < 6min));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
