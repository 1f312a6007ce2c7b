// IKE between other ports than 500 and 4500, and over the port for NAT from the start.
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <ranges>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(ports)

namespace {

constexpr auto soon = std::chrono::seconds(5);

policy::Connection called_at(policy::PeerPorts ports) {
    auto left = left_vpn();
    left.peer_ports = ports;
    return left;
}

policy::Connection waiting() {
    auto right = mirrored(left_vpn());
    right.peer_address = policy::AnyPeer{};
    return right;
}

/// Each end with its own ports; the left one is told those of the right.
struct PortedGateways : TwoGateways {
    PortedGateways(policy::PeerPorts left_ports, policy::PeerPorts right_ports,
                   policy::PeerPorts told)
        : TwoGateways({{called_at(told)}}, {{waiting()}}) {
        listen(left, left_ports);
        listen(right, right_ports);
    }

    static void listen(Gateway& gateway, policy::PeerPorts ports) {
        gateway.settings.ike_port = ports.ike;
        gateway.settings.nat_port = ports.nat;
        gateway.restart();
    }
};

policy::UdpPath path_of(const Gateway& gateway) {
    return status(gateway, "vpn").ike_sas.at(0).path;
}

const policy::ChildSa& child_of(const Gateway& gateway) {
    return gateway.kernel.installed().begin()->second.child;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_side_may_have_ports_of_its_own) {
    PortedGateways net({500, 4500}, {1500, 1501}, {1500, 1501});
    // 500: IKE_SA_INIT, IKE_AUTH --> 1500          500 <-- 1500: IKE_SA_INIT, IKE_AUTH
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    BOOST_TEST(path_of(net.left).local.port == 500);
    BOOST_TEST(path_of(net.left).remote.port == 1500);
    BOOST_TEST(path_of(net.right).local.port == 1500);
    BOOST_TEST(!child_of(net.left).encapsulation.has_value());
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_CASE(a_nat_moves_both_to_their_own_ports_for_nat) {
    PortedGateways net({600, 4600}, {1500, 1501}, {1500, 1501});
    net.nat_address = address("203.0.113.7");
    // 600: IKE_SA_INIT --> 1500          4600: IKE_AUTH --> 1501
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    BOOST_TEST(path_of(net.left).local.port == 4600);
    BOOST_TEST(path_of(net.left).remote.port == 1501);
    BOOST_REQUIRE(child_of(net.left).encapsulation.has_value());
    BOOST_TEST(child_of(net.left).encapsulation->local_port == 4600);
    BOOST_TEST(child_of(net.left).encapsulation->remote_port == 1501);
    BOOST_REQUIRE(child_of(net.right).encapsulation.has_value());
    BOOST_TEST(child_of(net.right).encapsulation->local_port == 1501);
    BOOST_TEST(child_of(net.right).encapsulation->remote_port == 14600);
    BOOST_TEST(net.disagreements().empty());
}

// RFC 7296 2.23: port 4500 from the start, whether or not there is a NAT; ESP need not be in UDP.
BOOST_AUTO_TEST_CASE(a_peer_with_one_port_is_called_from_the_port_for_nat) {
    PortedGateways net({500, 4500}, {500, 4500}, {4500, 4500});
    std::size_t marked = 0;
    std::size_t all = 0;
    net.inspect = [&](End, const std::vector<std::uint8_t>& octets) {
        ++all;
        marked += std::ranges::all_of(octets | std::views::take(4),
                                      [](std::uint8_t octet) { return octet == 0; })
                      ? 1u
                      : 0u;
        return true;
    };
    // 4500: marker, IKE_SA_INIT --> 4500          4500 <-- 4500: marker, IKE_SA_INIT …
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    BOOST_TEST(all == 4u);
    BOOST_TEST(marked == all);
    BOOST_TEST(path_of(net.left).local.port == 4500);
    BOOST_TEST(path_of(net.left).remote.port == 4500);
    BOOST_TEST(!status(net.left, "vpn").ike_sas.at(0).local_behind_nat);
    BOOST_TEST(!child_of(net.left).encapsulation.has_value());
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_CASE(the_one_port_of_a_peer_may_be_any_and_a_nat_may_lie_before_us) {
    PortedGateways net({500, 4500}, {500, 24500}, {24500, 24500});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    BOOST_TEST(path_of(net.left).local.port == 4500);
    BOOST_TEST(path_of(net.left).remote.port == 24500);
    BOOST_TEST(child_of(net.left).encapsulation.has_value());
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_CASE(a_wrong_port_is_silence) {
    PortedGateways net({500, 4500}, {1500, 1501}, {500, 4500});
    BOOST_TEST(!net.run_until([&] { return net.up("vpn"); }, std::chrono::minutes(2)));
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
