#include "policy/trap.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(trap)

using namespace viaduct::policy;

namespace {

TrafficSelector selector(const char* text) {
    return TrafficSelector::parse(text).value();
}

Connection connection(std::string name, StartAction start, ChildrenShape children) {
    Connection result;
    result.name = std::move(name);
    result.start = start;
    result.children = children;
    result.local_selectors = {selector("192.168.10.0/24"), selector("fd00:10::/64")};
    result.remote_selectors = {selector("192.168.20.0/24"), selector("192.168.30.0/24"),
                               selector("fd00:20::/64")};
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(only_on_demand_connections_have_traps) {
    const ConnectionSet set{{connection("r", StartAction::respond, ChildrenShape::one),
                             connection("i", StartAction::initiate, ChildrenShape::per_pair)}};
    BOOST_TEST(traps(set).empty());
}

BOOST_AUTO_TEST_CASE(one_child_for_everything_has_one_trap) {
    const auto wanted = connection("d", StartAction::on_demand, ChildrenShape::one);
    const auto found = traps({{wanted}});
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST((found[0] == Trap{"d", {wanted.local_selectors, wanted.remote_selectors}}));
}

BOOST_AUTO_TEST_CASE(a_child_per_pair_has_a_trap_for_each_pair_of_one_family) {
    const auto found = traps({{connection("d", StartAction::on_demand, ChildrenShape::per_pair)}});
    BOOST_REQUIRE(found.size() == 3U);
    BOOST_TEST(to_string(found[0].selectors.local) == "192.168.10.0/24");
    BOOST_TEST(to_string(found[0].selectors.remote) == "192.168.20.0/24");
    BOOST_TEST(to_string(found[1].selectors.remote) == "192.168.30.0/24");
    BOOST_TEST(to_string(found[2].selectors.remote) == "fd00:20::/64");
}

BOOST_AUTO_TEST_CASE(reqids_of_traps_are_ours_and_no_childs) {
    BOOST_TEST(is_trap_reqid(reqid_mark | trap_reqid_bit | 1));
    BOOST_TEST(!is_trap_reqid(reqid_mark | trap_number_mask));
    BOOST_TEST(!is_trap_reqid(0x12000000U | trap_reqid_bit | 1));
}

BOOST_AUTO_TEST_SUITE_END()
