// A full mesh of nodes, each of which begins with each other at the same moment.
#include "ike/overloaded.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/random_draw.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <format>
#include <memory>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(many_nodes)

namespace {

policy::IpAddress address_of(std::size_t node) {
    return address(std::format("10.10.10.{}", node + 1));
}

std::string name_of(std::size_t peer) {
    return std::format("to-{}", peer);
}

policy::Connection between(std::size_t node, std::size_t peer) {
    auto c = left_vpn(name_of(peer));
    c.local_address = address_of(node);
    c.peer_address = address_of(peer);
    c.local_id = policy::Identity::from_address(address_of(node));
    c.peer_id = policy::IdentityPattern::exactly(policy::Identity::from_address(address_of(peer)));
    c.local_selectors = subnets({std::format("192.168.{}.0/24", node)});
    c.remote_selectors = subnets({std::format("192.168.{}.0/24", peer)});
    return c;
}

/// Datagrams go by their address, and take between 5 and 60 milliseconds; some are lost.
class Mesh {
public:
    Mesh(std::size_t count, std::uint64_t seed, double loss) : draw_{seed}, loss_(loss) {
        for (std::size_t node = 0; node < count; ++node) {
            policy::ConnectionSet set;
            for (std::size_t peer = 0; peer < count; ++peer)
                if (peer != node)
                    set.connections.push_back(between(node, peer));
            nodes.push_back(std::make_unique<Gateway>(std::move(set), 100 * seed + node,
                                                      std::format("node {}", node),
                                                      ike::EndpointSettings{}));
        }
    }

    void run_for(Duration duration) {
        const auto end = now_ + duration;
        while (const auto next = next_time()) {
            if (*next > end)
                break;
            now_ = std::max(now_, *next);
            if (!flights_.empty() && flights_.begin()->first <= now_)
                arrive(flights_.extract(flights_.begin()).mapped());
            for (auto& each : nodes) {
                const auto due = each->endpoint->next_deadline();
                if (due && *due <= now_)
                    each->endpoint->on_deadline(now_);
                drain(*each);
            }
        }
        now_ = end;
    }

    std::vector<std::unique_ptr<Gateway>> nodes;

private:
    std::optional<TimePoint> next_time() const {
        std::optional<TimePoint> earliest;
        if (!flights_.empty())
            earliest = flights_.begin()->first;
        for (const auto& each : nodes)
            if (const auto due = each->endpoint->next_deadline())
                earliest = std::min(earliest.value_or(*due), *due);
        return earliest;
    }
    void arrive(const ike::SendDatagram& datagram) {
        for (std::size_t node = 0; node < nodes.size(); ++node)
            if (datagram.path.remote.address == address_of(node))
                nodes[node]->endpoint->on_datagram(
                    now_, {datagram.path.remote, datagram.path.local}, datagram.octets);
    }
    void send(const ike::SendDatagram& datagram) {
        if (draw_.fraction() >= loss_)
            flights_.emplace(now_ + std::chrono::milliseconds(5 + draw_.below(56)), datagram);
    }
    void drain(Gateway& node) {
        while (const auto effect = node.endpoint->next_effect())
            carry_out(node, *effect);
    }
    void carry_out(Gateway& node, const ike::Effect& effect) {
        auto& kernel = node.kernel;
        const auto accepted = [](const std::optional<std::string>& refusal) {
            BOOST_TEST(!refusal.has_value());
        };
        std::visit(
            ike::Overloaded{
                [&](const ike::SendDatagram& each) { send(each); },
                [&](const ike::InstallChildSa& each) {
                    accepted(kernel.install(each.child, FakeKernel::Sides::both));
                },
                [&](const ike::InstallInboundSa& each) {
                    accepted(kernel.install(each.child, FakeKernel::Sides::inbound));
                },
                [&](const ike::InstallOutboundSa& each) {
                    accepted(kernel.install_outbound(each.child));
                },
                [&](const ike::RemoveOutboundSa& each) { kernel.remove_outbound(each.child); },
                [&](const ike::RemoveChildSa& each) { kernel.remove(each.child); },
                [](const auto&) {},
            },
            effect);
    }

    TimePoint now_{std::chrono::hours(1)};
    Draw draw_;
    double loss_;
    std::multimap<TimePoint, ike::SendDatagram> flights_;
};

void check_pair(Mesh& mesh, std::size_t a, std::size_t b) {
    auto& here = *mesh.nodes[a];
    auto& there = *mesh.nodes[b];
    const auto ours = status(here, name_of(b)), theirs = status(there, name_of(a));
    BOOST_TEST((ours.state == ike::ConnectionState::up));
    BOOST_REQUIRE(ours.ike_sas.size() == 1u);
    BOOST_REQUIRE(theirs.ike_sas.size() == 1u);
    BOOST_TEST((ours.ike_sas[0].initiator_spi == theirs.ike_sas[0].initiator_spi));
    BOOST_TEST((ours.ike_sas[0].responder_spi == theirs.ike_sas[0].responder_spi));
    const auto left = child_sas(here, name_of(b)), right = child_sas(there, name_of(a));
    BOOST_REQUIRE(left.size() == 1u);
    BOOST_REQUIRE(right.size() == 1u);
    BOOST_TEST((left[0].inbound_spi == right[0].outbound_spi));
    BOOST_TEST((left[0].outbound_spi == right[0].inbound_spi));
    const auto& local = here.kernel.installed().at(left[0].id).child;
    const auto& remote = there.kernel.installed().at(right[0].id).child;
    BOOST_TEST((local.inbound_keys == remote.outbound_keys));
    BOOST_TEST((local.outbound_keys == remote.inbound_keys));
}

void check_mesh(std::size_t count, std::uint64_t seed, double loss) {
    BOOST_TEST_CONTEXT("seed " << seed) {
        Mesh mesh(count, seed, loss);
        mesh.run_for(5min);
        for (std::size_t a = 0; a < count; ++a) {
            for (std::size_t b = 0; b < count; ++b)
                if (a != b)
                    check_pair(mesh, a, b);
            BOOST_TEST(mesh.nodes[a]->kernel_children() == count - 1);
            BOOST_TEST(mesh.nodes[a]->kernel.complaints().empty());
        }
    }
}

} // namespace

// covers story-BB03
BOOST_AUTO_TEST_CASE(each_pair_of_a_mesh_ends_with_one_ike_sa_and_one_child) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
        check_mesh(7, seed, 0);
}

// covers story-BB03
BOOST_AUTO_TEST_CASE(and_also_where_a_tenth_of_the_messages_is_lost) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        check_mesh(5, seed, 0.1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
