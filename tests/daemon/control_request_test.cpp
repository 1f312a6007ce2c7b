#include "daemon/control_request.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(control_request)

BOOST_AUTO_TEST_CASE(what_the_client_writes_the_daemon_reads) {
    const ControlRequest sent{ControlCommand::up, "router1/vpn \"2\"", false, 5};
    const auto read = parse_control_request(sent.to_line());
    BOOST_REQUIRE(read);
    BOOST_TEST((read->command == ControlCommand::up));
    BOOST_TEST(read->name == sent.name);
    BOOST_TEST(!read->wait);
    BOOST_TEST(read->timeout == 5U);
}

BOOST_AUTO_TEST_CASE(what_is_to_be_rekeyed_is_said) {
    for (const bool ike : {false, true}) {
        const ControlRequest sent{.command = ControlCommand::rekey, .name = "vpn", .ike = ike};
        const auto read = parse_control_request(sent.to_line());
        BOOST_REQUIRE(read);
        BOOST_TEST((read->command == ControlCommand::rekey));
        BOOST_TEST(read->name == "vpn");
        BOOST_TEST(read->ike == ike);
    }
    BOOST_TEST(!parse_control_request(R"({"command":"rekey","name":"vpn"})")->ike);
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused_with_a_line) {
    const auto error = [](std::string_view line) {
        const auto read = parse_control_request(line);
        return read ? std::string("accepted") : read.error();
    };
    BOOST_TEST(error("") == "not a JSON object with a command");
    BOOST_TEST(error("status") == "not a JSON object with a command");
    BOOST_TEST(error("[]") == "not a JSON object with a command");
    BOOST_TEST(error("{}") == "not a JSON object with a command");
    BOOST_TEST(error(R"({"command":"halt"})") == "unknown command");
    BOOST_TEST(error(R"({"command":7})") == "unknown command");
    BOOST_TEST(error(R"({"command":"status","colour":1})") == "unknown key in the request");
    BOOST_TEST(error(R"({"command":"status","name":["x"]})") ==
               "name is not a text of at most 512 octets");
    BOOST_TEST(error(R"({"command":"up","name":"x","timeout":-1})") ==
               "timeout is not between 1 and 3600 seconds");
    BOOST_TEST(error(R"({"command":"up"})") == "up, down and rekey need the name of a connection");
    BOOST_TEST(error(R"({"command":"rekey"})") ==
               "up, down and rekey need the name of a connection");
    BOOST_TEST(error(R"({"command":"rekey","name":"x","ike":1})") ==
               "ike is neither true nor false");
    BOOST_TEST(error(R"({"command":"status"} x)") == "not a JSON object with a command");
    BOOST_TEST(error(std::string(4000, '[')) == "not a JSON object with a command");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
