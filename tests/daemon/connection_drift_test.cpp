#include "daemon/connection_drift.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_drift_of_a_router)

using namespace viaduct;
using daemon::connection_drift;
using ike::ConnectionState;

namespace {

policy::Connection wanted(std::string name, policy::StartAction start) {
    policy::Connection connection;
    connection.name = std::move(name);
    connection.start = start;
    return connection;
}

ike::ConnectionStatus found(std::string name, ConnectionState state) {
    ike::ConnectionStatus status;
    status.name = std::move(name);
    status.state = state;
    return status;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_we_start_and_what_is_not_up_is_told_with_its_reason) {
    const policy::ConnectionSet set{{wanted("a", policy::StartAction::initiate),
                                     wanted("b", policy::StartAction::initiate),
                                     wanted("c", policy::StartAction::initiate)}};
    ike::EndpointStatus status;
    status.connections = {found("a", ConnectionState::up), found("b", ConnectionState::waiting),
                          found("c", ConnectionState::down)};
    status.connections[1].reason = ike::cause::KernelLacksAlgorithms{};
    const auto drift = connection_drift(set, status);
    BOOST_REQUIRE(drift.size() == 2u);
    BOOST_TEST(drift[0].connection == "b");
    BOOST_TEST(drift[0].report.kind == "connection down");
    BOOST_TEST(drift[0].report.name ==
               "b: the kernel has none of the algorithms of the ESP proposals");
    BOOST_TEST(drift[0].report.remedy == "it is tried again by itself");
    BOOST_TEST(drift[0].can_begin);
    BOOST_TEST(drift[1].report.name == "c");
    BOOST_TEST(drift[1].report.remedy == "nothing by itself: viaduct up");
    BOOST_TEST(!drift[1].can_begin);
}

BOOST_AUTO_TEST_CASE(who_waits_for_its_peer_or_for_packets_is_as_it_ought_to_be) {
    const policy::ConnectionSet set{
        {wanted("a", policy::StartAction::respond), wanted("b", policy::StartAction::on_demand)}};
    ike::EndpointStatus status;
    status.connections = {found("a", ConnectionState::down), found("b", ConnectionState::down)};
    BOOST_TEST(connection_drift(set, status).empty());
}

BOOST_AUTO_TEST_CASE(what_the_operator_closed_is_as_it_ought_to_be) {
    const policy::ConnectionSet set{{wanted("a", policy::StartAction::initiate)}};
    ike::EndpointStatus status;
    status.connections = {found("a", ConnectionState::down)};
    status.connections[0].reason = ike::cause::ClosedByOperator{};
    status.connections[0].held_by_operator = true;
    BOOST_TEST(connection_drift(set, status).empty());
    // Another reason than the operator's wish.
    status.connections[0].held_by_operator = false;
    BOOST_TEST(connection_drift(set, status).size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_has_no_way_is_not_tried_before_there_is_one) {
    const policy::ConnectionSet set{{wanted("a", policy::StartAction::initiate)}};
    ike::EndpointStatus status;
    status.connections = {found("a", ConnectionState::waiting)};
    status.connections[0].reason = ike::cause::NoPath{};
    const auto drift = connection_drift(set, status);
    BOOST_REQUIRE(drift.size() == 1u);
    BOOST_TEST(drift[0].report.remedy == "it is tried once there is a way");
    BOOST_TEST(!drift[0].can_begin);
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_up_names_the_children_that_it_lacks) {
    const auto selector = [](const char* subnet) {
        return policy::TrafficSelector::from_subnet(policy::Subnet::parse(subnet).value());
    };
    const policy::ConnectionSet set{{wanted("a", policy::StartAction::initiate)}};
    ike::EndpointStatus status;
    status.connections = {found("a", ConnectionState::up)};
    BOOST_TEST(connection_drift(set, status).empty());
    status.connections[0].missing_children = {
        {{selector("192.168.10.0/24")}, {selector("192.168.20.0/24")}}};
    const auto drift = connection_drift(set, status);
    BOOST_REQUIRE(drift.size() == 1u);
    BOOST_TEST(drift[0].report.kind == "child SA missing");
    BOOST_TEST(drift[0].report.name == "a: 192.168.10.0/24 -> 192.168.20.0/24");
    BOOST_TEST(drift[0].report.remedy == "it is asked for again by itself");
    BOOST_TEST(!drift[0].can_begin);
}

BOOST_AUTO_TEST_SUITE_END()
