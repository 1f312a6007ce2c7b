#include "daemon/mend_failures.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(mend_failures)

using namespace viaduct;

BOOST_AUTO_TEST_CASE(what_fails_as_it_did_before_is_no_news) {
    daemon::MendFailures failures;
    BOOST_TEST(failures.is_news("policy missing: a", "EPERM"));
    BOOST_TEST(failures.is_news("policy missing: b", "EPERM"));
    failures.end_pass(true);
    BOOST_TEST(!failures.is_news("policy missing: a", "EPERM"));
    BOOST_TEST(failures.is_news("policy missing: b", "ENOMEM"));
    failures.end_pass(true);
    BOOST_TEST(!failures.is_news("policy missing: a", "EPERM"));
}

BOOST_AUTO_TEST_CASE(what_fails_again_after_it_was_mended_is_news) {
    daemon::MendFailures failures;
    BOOST_TEST(failures.is_news("policy missing: a", "EPERM"));
    failures.end_pass(true);
    failures.end_pass(true);
    BOOST_TEST(failures.is_news("policy missing: a", "EPERM"));
}

BOOST_AUTO_TEST_CASE(a_comparison_that_broke_off_says_nothing_of_the_rest) {
    daemon::MendFailures failures;
    BOOST_TEST(failures.is_news("policy missing: a", "EPERM"));
    failures.end_pass(true);
    BOOST_TEST(failures.is_news("policy missing: b", "EPERM"));
    failures.end_pass(false);
    BOOST_TEST(!failures.is_news("policy missing: a", "EPERM"));
    BOOST_TEST(!failures.is_news("policy missing: b", "EPERM"));
}

BOOST_AUTO_TEST_SUITE_END()
