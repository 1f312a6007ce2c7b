// Two gateways with one tunnel that is up, and traffic of which none may be lost.
#pragma once

#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

inline constexpr auto child_keys = ike::Rekey::What::child_sas;
inline constexpr auto ike_keys = ike::Rekey::What::ike_sas;

struct StandingTunnel {
    explicit StandingTunnel(policy::Connection left = left_vpn(), std::uint64_t seed = 1)
        : StandingTunnel(left, mirrored(left), seed) {}
    StandingTunnel(const policy::Connection& left, const policy::Connection& right,
                   std::uint64_t seed = 1)
        : net({{left}}, {{right}}, seed) {
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
        net.run_for(1s);
        net.traffic = true;
    }
    void check_one_pair() {
        BOOST_TEST(child_sas(net.left, "vpn").size() == 1u);
        BOOST_TEST(child_sas(net.right, "vpn").size() == 1u);
        BOOST_TEST(net.left.kernel_children() == 1u);
        BOOST_TEST(net.right.kernel_children() == 1u);
        BOOST_TEST(net.children() == 2u);
        BOOST_TEST(net.disagreements().empty());
        BOOST_TEST(net.lost_packets.empty());
        if (!net.lost_packets.empty())
            BOOST_TEST_MESSAGE(net.lost_packets.front());
    }
    policy::ChildSpi inbound(End end) { return child_sas(net.at(end), "vpn").front().inbound_spi; }

    TwoGateways net;
};

} // namespace viaduct::simulation
