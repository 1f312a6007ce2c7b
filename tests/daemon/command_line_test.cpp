#include "daemon/cli/client_options.h"
#include "daemon/command_line.h"

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <vector>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(command_line)

namespace {

auto daemon_options(std::initializer_list<std::string> arguments) {
    return parse_command_line(std::vector(arguments));
}

auto client_options(std::initializer_list<std::string> arguments) {
    return parse_client_options(std::vector(arguments));
}

std::string daemon_error(std::initializer_list<std::string> arguments) {
    auto options = daemon_options(arguments);
    return options ? "accepted" : options.error();
}

std::string client_error(std::initializer_list<std::string> arguments) {
    auto options = client_options(arguments);
    return options ? "accepted" : options.error();
}

} // namespace

BOOST_AUTO_TEST_CASE(without_arguments_the_daemon_uses_the_system_folders_and_the_kernel) {
    const auto options = daemon_options({});
    BOOST_REQUIRE(options);
    BOOST_TEST(options->config.string() == "/etc/viaduct/routers/");
    BOOST_TEST(options->control.string() == "/run/viaduct/control.sock");
    BOOST_TEST((options->kernel == KernelChoice::xfrm));
    BOOST_TEST(!options->foreground);
    BOOST_TEST(options->log.shows(LogArea::ike, LogLevel::info));
    BOOST_TEST(!options->log.shows(LogArea::ike, LogLevel::debug));
    BOOST_TEST(!options->log.keys);
}

BOOST_AUTO_TEST_CASE(ports_can_be_chosen) {
    const auto options =
        daemon_options({"--kernel", "none", "--ike-port", "5000", "--nat-port=5500"});
    BOOST_REQUIRE(options);
    BOOST_TEST(options->ike_port == 5000);
    BOOST_TEST(options->nat_port == 5500);
    BOOST_TEST(daemon_options({"--ike-port", "5000"})->ike_port == 5000);
    BOOST_TEST(daemon_error({"--kernel", "none", "--ike-port", "70000"}) ==
               "--ike-port: '70000' is no port (1 to 65535)");
    BOOST_TEST(daemon_error({"--kernel", "none", "--ike-port", "4500"}) ==
               "--ike-port and --nat-port must differ");
}

BOOST_AUTO_TEST_CASE(mistakes_are_one_line_and_name_the_option) {
    BOOST_TEST(daemon_error({"--kernel", "bsd"}) ==
               "--kernel: 'bsd' is none of xfrm, none, dry-run");
    BOOST_TEST(daemon_error({"--dry-run", "--kernel", "none"}) ==
               "--dry-run and --kernel none exclude each other");
    BOOST_TEST(daemon_error({"--config"}).contains("config"));
    BOOST_TEST(daemon_error({"--colour"}).contains("colour"));
    BOOST_TEST(daemon_error({"--conf", "x"}).contains("conf"));
    BOOST_TEST(daemon_error({"router1.toml"}) != "accepted");
}

BOOST_AUTO_TEST_CASE(the_guard_is_removed_where_routers_are_configured_or_everywhere) {
    const auto action = [](const std::vector<std::string>& arguments) {
        const auto options = parse_command_line(arguments);
        BOOST_REQUIRE(options);
        return std::pair(options->action, options->everywhere);
    };
    using enum DaemonOptions::Action;
    BOOST_TEST((action({}) == std::pair(run, false)));
    BOOST_TEST((action({"--remove-guard"}) == std::pair(remove_guard, false)));
    BOOST_TEST((action({"--remove-guard", "--foreground"}) == std::pair(remove_guard, false)));
    BOOST_TEST((action({"--remove-guard=all"}) == std::pair(remove_guard, true)));
    BOOST_TEST(daemon_error({"--remove-guard=some"}) ==
               "--remove-guard: 'some' is neither all nor configured");
}

BOOST_AUTO_TEST_CASE(debug_areas_have_levels_and_keys_only_a_word) {
    const auto levels = LogLevels::parse("ike=trace,xfrm=3,netns");
    BOOST_REQUIRE(levels);
    BOOST_TEST(levels->shows(LogArea::ike, LogLevel::trace));
    BOOST_TEST(levels->shows(LogArea::xfrm, LogLevel::debug));
    BOOST_TEST(!levels->shows(LogArea::xfrm, LogLevel::trace));
    BOOST_TEST(levels->shows(LogArea::netns, LogLevel::debug));
    BOOST_TEST(!levels->shows(LogArea::daemon, LogLevel::debug));
    BOOST_TEST(!LogLevels::parse("all=trace")->keys);
    BOOST_TEST(LogLevels::parse("keys")->keys);
    BOOST_TEST(!LogLevels::parse("keys=0"));
    BOOST_TEST(!LogLevels::parse("ike=5"));
    BOOST_TEST(!LogLevels::parse("ikev2=1"));
    BOOST_TEST(!LogLevels::parse(""));
}

BOOST_AUTO_TEST_CASE(the_client_takes_a_command_and_at_most_one_name) {
    const auto up = client_options({"up", "router1/vpn2", "--no-wait", "--control", "/tmp/x"});
    BOOST_REQUIRE(up);
    BOOST_TEST((up->request.command == ControlCommand::up));
    BOOST_TEST(up->request.name == "router1/vpn2");
    BOOST_TEST(!up->request.wait);
    BOOST_TEST(up->control.string() == "/tmp/x");
    BOOST_TEST(client_options({"status"})->request.name.empty());
    BOOST_TEST(client_error({}) ==
               "expected a command: status, up, down, rekey, reload, plan, repair or "
               "version");
    BOOST_TEST(client_error({"up"}) == "up needs the name of a connection, NAME or ROUTER/NAME");
    BOOST_TEST(!client_options({"rekey", "vpn2"})->request.ike);
    BOOST_TEST(client_options({"rekey", "vpn2", "--ike"})->request.ike);
    BOOST_TEST(client_error({"rekey"}) ==
               "rekey needs the name of a connection, NAME or ROUTER/NAME");
    BOOST_TEST(client_error({"down", "vpn2", "--ike"}) == "--ike belongs to rekey");
    BOOST_TEST(client_options({"reload", "router1"})->request.name == "router1");
    BOOST_TEST(client_error({"reload", "x", "y"}) == "'y' is one argument too many");
    BOOST_TEST(
        client_error({"restart"}) ==
        "unknown command 'restart' (status, up, down, rekey, reload, plan, repair, version)");
    BOOST_TEST(client_error({"up", "x", "--timeout", "0"}) ==
               "--timeout must lie between 1 and 3600 seconds");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
