#include "daemon/offload_refusals.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(offload_refusals)

using namespace viaduct;

BOOST_AUTO_TEST_CASE(each_connection_hears_once_of_each_device) {
    daemon::OffloadRefusals refusals;
    BOOST_TEST(refusals.is_news("a", 3));
    BOOST_TEST(!refusals.is_news("a", 3));
    BOOST_TEST(refusals.is_news("b", 3));
    BOOST_TEST(refusals.is_news("a", 4));
    BOOST_TEST(!refusals.is_news("b", 3));
}

BOOST_AUTO_TEST_CASE(a_connection_that_was_taken_out_hears_again) {
    daemon::OffloadRefusals refusals;
    BOOST_TEST(refusals.is_news("a", 3));
    BOOST_TEST(refusals.is_news("b", 3));
    policy::ConnectionSet only_b;
    auto& b = only_b.connections.emplace_back();
    b.name = "b";
    b.esp.offload = policy::HardwareOffload::crypto;
    refusals.keep_only(only_b);
    BOOST_TEST(refusals.is_news("a", 3));
    BOOST_TEST(!refusals.is_news("b", 3));
}

BOOST_AUTO_TEST_CASE(a_connection_that_asks_for_something_else_hears_again) {
    daemon::OffloadRefusals refusals;
    policy::ConnectionSet connections;
    auto& a = connections.connections.emplace_back();
    a.name = "a";
    a.esp.offload = policy::HardwareOffload::crypto;
    refusals.keep_only(connections);
    BOOST_TEST(refusals.is_news("a", 3));
    a.psk = policy::Secret::from_text("another");
    refusals.keep_only(connections);
    BOOST_TEST(!refusals.is_news("a", 3));
    a.esp.offload = policy::HardwareOffload::packet;
    refusals.keep_only(connections);
    BOOST_TEST(refusals.is_news("a", 3));
    BOOST_TEST(!refusals.is_news("a", 3));
    a.esp.proposals.emplace_back();
    refusals.keep_only(connections);
    BOOST_TEST(refusals.is_news("a", 3));
}

BOOST_AUTO_TEST_SUITE_END()
