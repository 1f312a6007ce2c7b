#include "policy/nearest_name.h"

#include <boost/test/unit_test.hpp>

#include <array>

BOOST_AUTO_TEST_SUITE(nearest)

using namespace viaduct::policy;

namespace {

constexpr std::array<std::string_view, 4> names{"remote_subnets", "local_subnets", "psk", "start"};

} // namespace

BOOST_AUTO_TEST_CASE(a_slip_of_the_pen_is_close) {
    BOOST_TEST(nearest_name("remote_subnet", names).value() == "remote_subnets");
    BOOST_TEST(nearest_name("RemoteSubnets", names).value() == "remote_subnets");
    BOOST_TEST(nearest_name("lcoal_subnets", names).value() == "local_subnets");
    BOOST_TEST(nearest_name("pks", names).value() == "psk");
    BOOST_TEST(nearest_name("strat", names).value() == "start");
}

BOOST_AUTO_TEST_CASE(other_words_are_not) {
    BOOST_TEST(!nearest_name("mobike", names).has_value());
    BOOST_TEST(!nearest_name("xyz", names).has_value());
    BOOST_TEST(!nearest_name("", names).has_value());
    BOOST_TEST(!nearest_name(std::string(100000, 'a'), names).has_value());
}

BOOST_AUTO_TEST_CASE(a_message_ends_with_the_name_or_with_the_choice) {
    BOOST_TEST(suggestion("pks", names) == ", did you mean 'psk'?");
    BOOST_TEST(suggestion("mobike", names) ==
               "; expected one of remote_subnets, local_subnets, psk, start");
    BOOST_TEST(suggestion("mobike", std::span(names).last(1)) == "; expected start");
    BOOST_TEST(suggestion("mobike", {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
