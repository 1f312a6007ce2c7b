// Connections for stories of IKEv1, and a tunnel that is up.
#pragma once

#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

/// 10.10.10.5 as it sees "vpn", over IKEv1: it initiates, for one pair of subnets.
inline policy::Connection old_left_vpn() {
    auto c = left_vpn();
    c.ike.version = policy::IkeVersion::v1;
    c.ike.proposals = ike_proposals({"aes256-sha256-x25519"});
    c.esp.proposals = esp_proposals({"aes256gcm16-x25519"});
    c.remote_selectors = subnets({"192.168.30.0/24"});
    return c;
}

inline constexpr auto old_child_keys = ike::Rekey::What::child_sas;
inline constexpr auto old_ike_keys = ike::Rekey::What::ike_sas;

/// Traffic runs all the time, and none may be lost.
struct OldTunnel {
    explicit OldTunnel(const policy::Connection& left = old_left_vpn(), std::uint64_t seed = 1)
        : OldTunnel(left, mirrored(left), seed) {}
    OldTunnel(const policy::Connection& left, const policy::Connection& right,
              std::uint64_t seed = 1)
        : net({{left}}, {{right}}, seed),
          pairs(left.local_selectors.size() * left.remote_selectors.size()) {
        BOOST_REQUIRE(net.run_until([&] { return net.children() == 2 * pairs; }, 10s));
        net.run_for(1s);
        net.traffic = true;
    }
    /// Nothing but what is wanted is left, and both ends agree on it.
    void check_settled() {
        for (const auto* gateway : {&net.left, &net.right}) {
            BOOST_TEST(child_sas(*gateway, "vpn").size() == pairs);
            BOOST_TEST(gateway->kernel_children() == pairs);
            BOOST_TEST(ike_sas(*gateway, "vpn").size() == 1u);
        }
        BOOST_TEST(net.children() == 2 * pairs);
        for (const auto& each : net.disagreements())
            BOOST_ERROR(each);
        BOOST_TEST(net.lost_packets.empty());
        if (!net.lost_packets.empty())
            BOOST_TEST_MESSAGE(net.lost_packets.front());
    }
    policy::ChildSpi inbound(End end) { return child_sas(net.at(end), "vpn").front().inbound_spi; }

    TwoGateways net;
    std::size_t pairs;
};

/// The cause of the last failed negotiation, if it is of this kind.
template <typename T> std::optional<T> failure_of(const Gateway& gateway) {
    const auto why = last_failure(gateway);
    if (!why || !std::holds_alternative<T>(*why))
        return std::nullopt;
    return std::get<T>(*why);
}

} // namespace viaduct::simulation
