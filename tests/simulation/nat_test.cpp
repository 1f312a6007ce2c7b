// Network address translation before one of the gateways (RFC 7296 section 2.23, RFC 3948).
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"
#include "tests/simulation/v1_connections.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <format>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(nat)

namespace {

const std::vector<std::uint8_t> keepalive{0xff};

/// `left` behind a NAT, calling `right`.
struct BehindNat {
    explicit BehindNat(const policy::Connection& left) : net({{left}}, {{answering(left)}}) {
        net.nat_address = address("203.0.113.7");
        net.inspect = [this](End sender, std::vector<std::uint8_t>& octets) {
            keepalives[sender == End::left ? 0 : 1] += octets == keepalive ? 1u : 0u;
            return true;
        };
    }

    static policy::Connection answering(const policy::Connection& left) {
        auto right = mirrored(left);
        right.peer_address = policy::AnyPeer{};
        right.dpd.interval = 0s;
        return right;
    }
    bool come_up() {
        return net.run_until([&] { return net.up("vpn"); }, 5s);
    }
    const policy::ChildSa& child(const Gateway& gateway) const {
        return gateway.kernel.installed().begin()->second.child;
    }
    policy::UdpPath path(const Gateway& gateway) const {
        return status(gateway, "vpn").ike_sas.front().path;
    }

    TwoGateways net;
    std::size_t keepalives[2] = {};
};

policy::Connection quiet_vpn() {
    auto left = left_vpn();
    left.dpd.interval = 0s;
    return left;
}

} // namespace

// covers 3948-2.3-a, 3948-2.3-c, 3948-4-a
BOOST_AUTO_TEST_CASE(who_is_behind_a_nat_keeps_its_mapping_alive) {
    BehindNat nat(quiet_vpn());
    BOOST_REQUIRE(nat.come_up());
    const auto heard = status(nat.net.right, "vpn").ike_sas.front().last_heard;
    const auto dropped = nat.net.right.endpoint->status().dropped;
    nat.net.run_for(110s);
    BOOST_TEST(nat.keepalives[0] == 5u);
    BOOST_TEST(nat.keepalives[1] == 0u);
    BOOST_TEST((nat.net.right.endpoint->status().dropped == dropped));
    BOOST_TEST((status(nat.net.right, "vpn").ike_sas.front().last_heard == heard));
    BOOST_TEST(nat.path(nat.net.left).local.port == 4500);
    nat.net.command(End::left, ike::Terminate{"vpn"});
    nat.net.run_for(110s);
    BOOST_TEST(nat.keepalives[0] == 5u);
}

BOOST_AUTO_TEST_CASE(where_the_kernel_keeps_the_mapping_alive_we_do_not) {
    const auto left = quiet_vpn();
    for (const bool kernel_sends : {false, true}) {
        TwoGateways net({{left}}, {{BehindNat::answering(left)}}, 1,
                        {.kernel_sends_keepalives = kernel_sends});
        net.nat_address = address("203.0.113.7");
        std::size_t keepalives = 0;
        net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
            keepalives += octets == keepalive ? 1u : 0u;
            return true;
        };
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        net.run_for(110s);
        BOOST_TEST((keepalives == 0) == kernel_sends);
        const auto interval = [](const Gateway& gateway) {
            return gateway.kernel.installed().begin()->second.child.nat_keepalive;
        };
        BOOST_TEST((interval(net.left) == (kernel_sends ? 20s : 0s)));
        BOOST_TEST((interval(net.right) == 0s));
    }
}

BOOST_AUTO_TEST_CASE(messages_keep_a_mapping_alive_as_well) {
    auto left = left_vpn();
    left.dpd.interval = 15s;
    BehindNat nat(left);
    BOOST_REQUIRE(nat.come_up());
    nat.net.run_for(110s);
    BOOST_TEST(nat.keepalives[0] == 0u);
}

BOOST_AUTO_TEST_CASE(keepalives_can_be_switched_off_and_need_a_nat) {
    auto left = quiet_vpn();
    left.nat_traversal.keepalive = 0s;
    BehindNat without(left);
    BOOST_REQUIRE(without.come_up());
    without.net.run_for(110s);
    BOOST_TEST(without.keepalives[0] == 0u);

    BehindNat open(quiet_vpn());
    open.net.nat_address.reset();
    BOOST_REQUIRE(open.come_up());
    open.net.run_for(110s);
    BOOST_TEST(open.keepalives[0] == 0u);
}

BOOST_AUTO_TEST_CASE(encapsulation_can_be_forced_from_either_end) {
    for (const auto end : {End::left, End::right}) {
        auto left = quiet_vpn();
        auto right = mirrored(left);
        (end == End::left ? left : right).nat_traversal.force = true;
        TwoGateways net({{left}}, {{right}});
        std::size_t keepalives[2] = {};
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            keepalives[sender == End::left ? 0 : 1] += octets == keepalive ? 1u : 0u;
            return true;
        };
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        BOOST_TEST(net.disagreements().empty());
        for (const auto* gateway : {&net.left, &net.right}) {
            const auto& child = gateway->kernel.installed().begin()->second.child;
            BOOST_REQUIRE(child.encapsulation.has_value());
            BOOST_TEST(child.encapsulation->local_port == 4500);
            BOOST_TEST(child.encapsulation->remote_port == 4500);
        }
        net.run_for(50s);
        BOOST_TEST(keepalives[end == End::left ? 0 : 1] == 2u);
        BOOST_TEST(keepalives[end == End::left ? 1 : 0] == 0u);
        const auto sa = status(net.at(end), "vpn").ike_sas.front();
        BOOST_TEST(!sa.local_behind_nat);
        BOOST_TEST(!sa.remote_behind_nat);
    }
}

BOOST_AUTO_TEST_CASE(a_peer_whose_mapping_changes_is_followed) {
    auto left = left_vpn();
    left.dpd.interval = 10s;
    BehindNat nat(left);
    BOOST_REQUIRE(nat.come_up());
    BOOST_TEST(nat.child(nat.net.right).encapsulation->remote_port == 14500);

    // The NAT forgets its mapping; left's next message comes from another port, then from another
    // address too.
    nat.net.nat_port_offset = 20000;
    nat.net.run_for(15s);
    BOOST_TEST(nat.path(nat.net.right).remote.port == 24500);
    BOOST_TEST(nat.child(nat.net.right).encapsulation->remote_port == 24500);
    nat.net.nat_address = address("203.0.113.8");
    nat.net.run_for(15s);
    BOOST_TEST((nat.path(nat.net.right).remote.address == address("203.0.113.8")));
    BOOST_TEST((nat.child(nat.net.right).remote_address == address("203.0.113.8")));
    BOOST_TEST(count<ike::PeerMoved>(nat.net.right) == 2u);
    BOOST_TEST(count<ike::PeerMoved>(nat.net.left) == 0u);
    BOOST_TEST(count<ike::IkeSaEstablished>(nat.net.right) == 1u);

    // What right begins itself arrives.
    nat.net.command(End::right, ike::Terminate{"vpn"});
    nat.net.run_for(1s);
    BOOST_TEST(count<ike::IkeSaClosed>(nat.net.left) == 1u);
    BOOST_TEST(count<ike::Retransmitted>(nat.net.right) == 0u);
}

BOOST_AUTO_TEST_CASE(children_follow_also_when_the_first_message_from_there_rekeys) {
    auto left = quiet_vpn();
    left.ike.lifetime = 600s;
    left.esp.lifetime = 400s;
    BehindNat nat(left);
    // Whoever is before the NAT cannot begin: it has no way to the peer until the peer speaks.
    nat.net.right.connections = {{BehindNat::answering(quiet_vpn())}};
    nat.net.right.connections.connections.front().esp.lifetime = 8h;
    nat.net.right.restart();
    BOOST_REQUIRE(nat.come_up());
    for (std::uint16_t offset = 20000; offset <= 50000; offset += 5000) {
        nat.net.nat_port_offset = offset;
        nat.net.run_for(1200s);
        BOOST_TEST(nat.net.disagreements().empty());
        for (const auto& [id, each] : nat.net.right.kernel.installed())
            BOOST_TEST(each.child.encapsulation->remote_port == 4500 + offset);
    }
    BOOST_TEST(nat.net.up("vpn"));
}

BOOST_AUTO_TEST_CASE(what_is_not_fresh_and_authentic_moves_nobody) {
    auto left = left_vpn();
    left.dpd.interval = 10s;
    BehindNat nat(left);
    std::vector<std::uint8_t> last;
    nat.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && octets.size() > 1)
            last = octets;
        return true;
    };
    BOOST_REQUIRE(nat.come_up());
    nat.net.run_for(12s);
    const auto before = nat.path(nat.net.right);
    policy::UdpPath elsewhere = before;
    elsewhere.remote = {address("198.51.100.66"), 4500};
    nat.net.inject(End::right, elsewhere, last);
    auto next = last;
    next[4 + 23] = static_cast<std::uint8_t>(next[4 + 23] + 1);
    nat.net.inject(End::right, elsewhere, next);
    nat.net.inject(End::right, elsewhere, keepalive);
    BOOST_TEST((nat.path(nat.net.right) == before));
    BOOST_TEST(count<ike::PeerMoved>(nat.net.right) == 0u);
}

BOOST_AUTO_TEST_CASE(a_child_that_cannot_follow_its_peer_is_made_anew) {
    for (auto left : {left_vpn(), old_left_vpn()}) {
        left.dpd.interval = 10s;
        auto right = mirrored(left);
        right.peer_address = policy::AnyPeer{};
        TwoGateways net({{left}}, {{right}});
        net.nat_address = address("203.0.113.7");
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        net.run_for(5s);
        const auto before = child_sas(net.right, "vpn").front().inbound_spi;
        net.right.kernel.refuses_moves = true;
        net.nat_port_offset = 20000;
        net.run_for(2min);
        BOOST_REQUIRE(child_sas(net.right, "vpn").size() == 1u);
        const auto& child = net.right.kernel.installed().begin()->second.child;
        BOOST_TEST((child.inbound_spi != before));
        BOOST_TEST(child.encapsulation->remote_port == 24500u);
    }
}

// covers 7296-2.11-b
BOOST_AUTO_TEST_CASE(a_request_repeated_through_a_new_mapping_is_answered_there) {
    auto left = left_vpn();
    left.dpd.interval = 10s;
    BehindNat nat(left);
    BOOST_REQUIRE(nat.come_up());
    std::size_t answers = 0;
    nat.net.inspect = [&](End sender, std::vector<std::uint8_t>&) {
        if (sender == End::left || ++answers != 1)
            return true;
        // The answer finds the mapping gone.
        nat.net.nat_port_offset = 20000;
        return false;
    };
    nat.net.run_for(15s);
    BOOST_TEST(answers == 2u);
    BOOST_TEST(count<ike::Retransmitted>(nat.net.left) == 1u);
    BOOST_TEST(nat.net.up("vpn"));
    nat.net.run_for(10s);
    BOOST_TEST(nat.child(nat.net.right).encapsulation->remote_port == 24500);
}

BOOST_AUTO_TEST_CASE(who_is_behind_a_nat_follows_nobody) {
    auto left = quiet_vpn();
    BehindNat nat(left);
    auto right = BehindNat::answering(left);
    right.dpd.interval = 10s;
    nat.net.right.connections = {{right}};
    nat.net.right.restart();
    BOOST_REQUIRE(nat.come_up());
    const auto before = nat.path(nat.net.left);
    // A fresh request of right's, kept from left, arrives from another address.
    nat.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left || octets.size() < 40)
            return true;
        auto elsewhere = before;
        elsewhere.remote = {address("198.51.100.66"), 4500};
        nat.net.inject(End::left, elsewhere, octets);
        return false;
    };
    nat.net.run_for(11s);
    BOOST_TEST((nat.path(nat.net.left) == before));
    BOOST_TEST(count<ike::PeerMoved>(nat.net.left) == 0u);
}

// covers 7296-2.11-a, 7296-2.11-b, 7296-2.23-a
BOOST_AUTO_TEST_CASE(a_peer_may_begin_on_the_port_of_nat_traversal) {
    const auto left = left_vpn();
    BehindNat nat(left);
    auto on_4500 = left;
    on_4500.peer_ports.ike = 4500;
    nat.net.left.connections = {{on_4500}};
    nat.net.left.settings.ike_port = 4500;
    nat.net.left.restart();
    BOOST_TEST(nat.come_up());
    BOOST_TEST(nat.path(nat.net.right).remote.port == 14500);
    BOOST_TEST(nat.child(nat.net.right).encapsulation->remote_port == 14500);
}

// covers 3948-5.1-a
BOOST_AUTO_TEST_CASE(several_peers_behind_one_address_are_told_apart) {
    constexpr std::size_t peers = 20;
    const auto nat_address = address("203.0.113.7");
    const auto server = address("10.10.10.4");
    policy::ConnectionSet all;
    std::deque<Gateway> gateways;
    for (std::size_t i = 0; i < peers; ++i) {
        auto left = left_vpn(std::format("vpn{}", i));
        left.local_id = policy::Identity::parse(std::format("gw{}.example.org", i)).value();
        left.local_selectors = subnets({std::format("192.168.{}.0/24", 100 + i)});
        auto right = mirrored(left);
        right.peer_address = policy::AnyPeer{};
        all.connections.push_back(right);
        gateways.emplace_back(policy::ConnectionSet{{left}}, 100 + i, "left",
                              ike::EndpointSettings{});
    }
    Gateway right(all, 1, "right", {});
    const TimePoint now{std::chrono::hours(1)};

    // Every peer has the same address inside, and ports of its own outside.
    const auto outside = [](std::size_t peer, std::uint16_t port) {
        return static_cast<std::uint16_t>(port + 1000 * (peer + 1));
    };
    const auto drain = [&](Gateway& gateway, auto&& on_datagram) {
        while (auto effect = gateway.endpoint->next_effect()) {
            if (const auto* datagram = std::get_if<ike::SendDatagram>(&*effect))
                on_datagram(*datagram);
            else if (const auto* install = std::get_if<ike::InstallChildSa>(&*effect))
                BOOST_TEST(!gateway.kernel.install(install->child, FakeKernel::Sides::both));
        }
    };
    const auto exchange = [&] {
        for (std::size_t i = 0; i < peers; ++i)
            drain(gateways[i], [&](const ike::SendDatagram& sent) {
                right.endpoint->on_datagram(now,
                                            {{server, sent.path.remote.port},
                                             {nat_address, outside(i, sent.path.local.port)}},
                                            sent.octets);
            });
        drain(right, [&](const ike::SendDatagram& sent) {
            const auto& to = sent.path.remote;
            BOOST_TEST((to.address == nat_address));
            for (std::size_t i = 0; i < peers; ++i)
                for (const std::uint16_t port : {std::uint16_t{500}, std::uint16_t{4500}})
                    if (sent.path.local.port == port && to.port == outside(i, port))
                        gateways[i].endpoint->on_datagram(
                            now, {{address("10.10.10.5"), port}, sent.path.local}, sent.octets);
        });
    };
    right.endpoint->on_deadline(now);
    for (auto& each : gateways)
        each.endpoint->on_deadline(now);
    for (int round = 0; round < 4; ++round)
        exchange();
    BOOST_TEST(right.kernel.installed().size() == peers);
    for (std::size_t i = 0; i < peers; ++i) {
        BOOST_REQUIRE(gateways[i].kernel.installed().size() == 1u);
        const auto& theirs = gateways[i].kernel.installed().begin()->second.child;
        const auto ours = std::ranges::find_if(right.kernel.installed(), [&](const auto& each) {
            return each.second.child.inbound_spi == theirs.outbound_spi;
        });
        BOOST_REQUIRE((ours != right.kernel.installed().end()));
        BOOST_TEST(ours->second.child.connection == std::format("vpn{}", i));
        BOOST_TEST(ours->second.child.encapsulation->remote_port == outside(i, 4500));
    }
    BOOST_TEST(right.kernel.complaints().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
