#include "daemon/reload_plan.h"
#include "tests/daemon/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(reload_plan)

namespace {

policy::Router connected(const std::string& name, const std::string& netns,
                         std::initializer_list<std::string> connections) {
    policy::Router result{.name = name, .netns = netns};
    for (const auto& connection : connections) {
        result.connections.connections.push_back({.name = connection});
    }
    return result;
}

ConfiguredRouter configured(policy::Router router) {
    auto file = "/etc/" + router.name + ".toml";
    return {std::move(file), std::make_shared<const policy::Router>(std::move(router))};
}

ConfiguredRouter router(const std::string& name, const std::string& netns,
                        std::initializer_list<std::string> connections) {
    return configured(connected(name, netns, connections));
}

ConfiguredRouter edited(const ConfiguredRouter& before,
                        const std::function<void(policy::Router&)>& edit) {
    policy::Router after = *before.router;
    edit(after);
    return configured(std::move(after));
}

std::vector<std::pair<std::string, RouterAction>> actions(const ReloadPlan& plan) {
    std::vector<std::pair<std::string, RouterAction>> result;
    for (const auto& step : plan.steps) {
        result.emplace_back(step.wanted.router->name, step.action);
    }
    return result;
}

using Actions = std::vector<std::pair<std::string, RouterAction>>;

} // namespace

BOOST_AUTO_TEST_CASE(each_router_is_started_stopped_moved_changed_or_kept) {
    const std::vector running{router("gone", "n1", {"a"}), router("moved", "n2", {"a"}),
                              router("edited", "n3", {"a", "b", "c"}), router("same", "n4", {"a"})};
    Configuration wanted;
    wanted.routers = {router("moved", "n9", {"a"}), router("edited", "n3", {"a", "c", "d"}),
                      router("same", "n4", {"a"}), router("new", "n5", {"a"})};
    wanted.routers[1] = edited(wanted.routers[1], [](policy::Router& each) {
        each.connections.connections[1].start = policy::StartAction::initiate;
    });
    const auto plan = plan_reload(running, wanted);
    BOOST_TEST((actions(plan) == Actions{{"gone", RouterAction::stop},
                                         {"moved", RouterAction::move},
                                         {"edited", RouterAction::reconfigure},
                                         {"same", RouterAction::keep},
                                         {"new", RouterAction::start}}));
    const auto& changes = plan.steps[2].changes;
    BOOST_TEST((changes.added == std::vector<std::string>{"d"}));
    BOOST_TEST((changes.removed == std::vector<std::string>{"b"}));
    BOOST_TEST((changes.changed == std::vector<policy::ChangedConnection>{{"c", {}}}));
    BOOST_TEST((changes.kept == std::vector<std::string>{"a"}));
}

BOOST_AUTO_TEST_CASE(a_router_with_other_ports_opens_its_sockets_anew) {
    const std::vector running{router("r1", "n1", {"a"}), router("r2", "n2", {"a"}),
                              router("r3", "n3", {"a"}), router("r4", "n4", {"a"})};
    Configuration wanted;
    wanted.routers = running;
    const auto edit = [&](std::size_t number, const std::function<void(policy::Router&)>& how) {
        wanted.routers[number] = edited(wanted.routers[number], how);
    };
    edit(3, [](policy::Router& each) { each.cookie_threshold = 0; });
    edit(0, [](policy::Router& each) { each.ike_port = 1500; });
    edit(1, [](policy::Router& each) { each.nat_port = 1501; });
    BOOST_TEST((actions(plan_reload(running, wanted)) == Actions{{"r1", RouterAction::move},
                                                                 {"r2", RouterAction::move},
                                                                 {"r3", RouterAction::keep},
                                                                 {"r4", RouterAction::move}}));
}

BOOST_AUTO_TEST_CASE(a_router_whose_file_became_broken_goes_on_as_it_was) {
    const std::vector running{router("r1", "n1", {"a"}), router("r2", "n2", {"a"})};
    Configuration wanted;
    wanted.routers = {router("r2", "n2", {"a"})};
    wanted.broken_files = {"/etc/r1.toml"};
    const auto plan = plan_reload(running, wanted);
    BOOST_TEST(
        (actions(plan) == Actions{{"r1", RouterAction::keep_broken}, {"r2", RouterAction::keep}}));
    BOOST_TEST((plan.steps[0].changes.kept == std::vector<std::string>{"a"}));
}

BOOST_AUTO_TEST_CASE(nobody_takes_the_namespace_of_a_router_that_goes_on) {
    const std::vector running{router("r1", "n1", {"a"})};
    Configuration wanted;
    wanted.routers = {router("thief", "n1", {"a"})};
    wanted.broken_files = {"/etc/r1.toml"};
    const auto plan = plan_reload(running, wanted);
    BOOST_TEST((actions(plan) == Actions{{"r1", RouterAction::keep_broken}}));
    BOOST_REQUIRE_EQUAL(plan.mistakes.size(), 1U);
    BOOST_TEST(plan.mistakes[0].file == "/etc/thief.toml");
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_found_stops_no_router) {
    test::TemporaryFolder folder;
    const auto gone = folder.path() / "viaduct";
    const std::vector running{router("r1", "n1", {"a"}), router("r2", "n2", {"a"})};
    const auto wanted = read_configuration(gone);
    BOOST_TEST(wanted.listing_incomplete);
    const auto plan = plan_reload(running, wanted);
    BOOST_TEST((actions(plan) ==
                Actions{{"r1", RouterAction::keep_broken}, {"r2", RouterAction::keep_broken}}));
    BOOST_TEST(plan.mistakes.size() == 1U);

    std::filesystem::create_directory(gone);
    BOOST_TEST((actions(plan_reload(running, read_configuration(gone))) ==
                Actions{{"r1", RouterAction::stop}, {"r2", RouterAction::stop}}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
