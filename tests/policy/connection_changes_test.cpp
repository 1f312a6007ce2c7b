#include "policy/connection_changes.h"

#include <boost/test/unit_test.hpp>

using namespace viaduct::policy;

namespace {

Connection named(std::string name) {
    Connection connection;
    connection.name = std::move(name);
    connection.psk = Secret::from_text("a secret");
    return connection;
}

} // namespace

BOOST_AUTO_TEST_SUITE(connection_changes)

BOOST_AUTO_TEST_CASE(every_connection_is_in_exactly_one_list) {
    auto changed = named("changed");
    changed.psk = Secret::from_text("another secret");
    const ConnectionSet before{{named("kept"), named("changed"), named("removed")}};
    const ConnectionSet after{{changed, named("added"), named("kept")}};
    const ConnectionChanges expected{{"added"}, {"removed"}, {"changed"}, {"kept"}};
    BOOST_TEST((compare(before, after) == expected));
}

BOOST_AUTO_TEST_CASE(the_order_of_the_file_changes_nothing) {
    const auto changes = compare({{named("a"), named("b")}}, {{named("b"), named("a")}});
    BOOST_TEST((changes == ConnectionChanges{{}, {}, {}, {"b", "a"}}));
}

BOOST_AUTO_TEST_CASE(a_changed_policy_changes_the_connections_that_use_it) {
    auto shorter = named("a");
    shorter.esp.lifetime = std::chrono::minutes(5);
    const auto changes = compare({{named("a"), named("b")}}, {{shorter, named("b")}});
    BOOST_TEST((changes == ConnectionChanges{{}, {}, {"a"}, {"b"}}));
}

BOOST_AUTO_TEST_CASE(connections_are_found_by_name) {
    const ConnectionSet set{{named("a"), named("b")}};
    BOOST_TEST(set.find("b") == &set.connections[1]);
    BOOST_TEST(set.find("c") == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
