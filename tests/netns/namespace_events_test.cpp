// Notifications reach whom they concern, and nobody who has gone.
#include "daemon/namespace_events.h"

#include "tests/netns/made_namespace.h"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <linux/rtnetlink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

BOOST_AUTO_TEST_SUITE(namespace_events,
                      *boost::unit_test::precondition(viaduct::test::namespaces_can_be_made))

using namespace viaduct;
using namespace viaduct::test;

struct Fixture {
    Fixture() { BOOST_REQUIRE(events.listen(NETLINK_ROUTE, {RTNLGRP_IPV4_IFADDR}).has_value()); }

    daemon::NamespaceEvents::Subscription count(const MadeNamespace& place, int& count) {
        return events
            .subscribe(place.open(), NETLINK_ROUTE,
                       {.on_message = [&count](auto) { ++count; }, .on_lost = [] {}})
            .value();
    }
    void add_address(const MadeNamespace& place) {
        place.run("ip addr add 192.0.2.1/32 dev lo");
        loop.run_one_for(std::chrono::seconds(1));
    }

    boost::asio::io_context loop{1};
    daemon::LogWriter log{{}, spdlog::create<spdlog::sinks::null_sink_mt>("events")};
    daemon::NamespaceEvents events{loop, log};
    ~Fixture() { spdlog::drop("events"); }
};

BOOST_FIXTURE_TEST_CASE(each_listener_hears_its_namespace, Fixture) {
    const MadeNamespace first;
    const MadeNamespace second;
    int in_first = 0;
    int in_second = 0;
    int too = 0;
    const auto one = count(first, in_first);
    const auto another = count(first, too);
    const auto other = count(second, in_second);
    add_address(first);
    BOOST_CHECK_EQUAL(in_first, 1);
    BOOST_CHECK_EQUAL(too, 1);
    BOOST_CHECK_EQUAL(in_second, 0);
    add_address(second);
    BOOST_CHECK_EQUAL(in_first, 1);
    BOOST_CHECK_EQUAL(in_second, 1);
}

BOOST_FIXTURE_TEST_CASE(who_ended_the_subscription_hears_nothing, Fixture) {
    const MadeNamespace place;
    int ended = 0;
    int going_on = 0;
    auto subscription = count(place, ended);
    const auto other = count(place, going_on);
    subscription.reset();
    add_address(place);
    BOOST_CHECK_EQUAL(ended, 0);
    BOOST_CHECK_EQUAL(going_on, 1);
}

BOOST_FIXTURE_TEST_CASE(a_listener_may_end_its_own_subscription_and_others, Fixture) {
    const MadeNamespace place;
    int later = 0;
    daemon::NamespaceEvents::Subscription own;
    daemon::NamespaceEvents::Subscription others;
    own = events
              .subscribe(place.open(), NETLINK_ROUTE,
                         {.on_message =
                              [&](auto) {
                                  others.reset();
                                  own.reset();
                              },
                          .on_lost = [] {}})
              .value();
    others = count(place, later);
    add_address(place);
    BOOST_CHECK(own == nullptr);
    BOOST_CHECK_EQUAL(later, 0);
}

BOOST_FIXTURE_TEST_CASE(a_protocol_that_nobody_opened_is_refused, Fixture) {
    const MadeNamespace place;
    BOOST_CHECK(!events.subscribe(place.open(), NETLINK_NETFILTER, {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
