// Connections that traffic brings up, over either version: what the packets ask for is made once,
// and nothing else; after failures and ends it is traffic that brings it back.
#include "tests/simulation/v1_connections.h"

#include <algorithm>
#include <array>
#include <functional>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(on_demand)

namespace {

using policy::IkeVersion;

constexpr std::array versions{IkeVersion::v2, IkeVersion::v1};

std::string_view name_of(IkeVersion version) {
    return version == IkeVersion::v1 ? "IKEv1" : "IKEv2";
}

/// Nothing but one child is wanted.
policy::Connection waiting_vpn(IkeVersion version) {
    auto connection = version == IkeVersion::v1 ? old_left_vpn() : left_vpn();
    connection.start = policy::StartAction::on_demand;
    return connection;
}

policy::Connection pairs_vpn(IkeVersion version) {
    auto connection = waiting_vpn(version);
    connection.children = policy::ChildrenShape::per_pair;
    connection.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    connection.remote_selectors = subnets({"192.168.30.0/24", "192.168.40.0/24"});
    return connection;
}

struct Story {
    policy::Connection connection;
    TwoGateways net;

    explicit Story(policy::Connection c, std::uint64_t seed = 1)
        : connection(std::move(c)), net({{connection}}, {{mirrored(connection)}}, seed) {
        net.run_for(1s);
    }
    void packet() {
        net.kernel_event(
            End::left,
            ike::Acquire{"vpn", {connection.local_selectors, connection.remote_selectors}});
    }
    void packet(std::size_t local, std::size_t remote) {
        net.kernel_event(End::left, ike::Acquire{"vpn",
                                                 {{connection.local_selectors[local]},
                                                  {connection.remote_selectors[remote]}}});
    }
    std::size_t first_requests() {
        return static_cast<std::size_t>(
            std::ranges::count_if(net.left.sent, [](const std::string& arrow) {
                return arrow.starts_with("IKE_SA_INIT") ||
                       arrow.starts_with("IDENTITY_PROTECTION { SA");
            }));
    }
    ike::ConnectionState state() { return status(net.left, "vpn").state; }
    void check_up(std::size_t children) {
        BOOST_TEST(net.run_until([&] { return net.children() == 2 * children; }, 10s));
        net.run_for(1min);
        BOOST_TEST(net.children() == 2 * children);
        for (const auto& each : net.disagreements())
            BOOST_ERROR(each);
    }
};

/// Plays a story over each version.
void over_both(const std::function<void(IkeVersion)>& story) {
    for (const auto version : versions)
        BOOST_TEST_CONTEXT(name_of(version)) {
            story(version);
        }
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_sent_before_the_first_packet) {
    over_both([](IkeVersion version) {
        Story story(waiting_vpn(version));
        story.net.run_for(1h);
        BOOST_TEST(story.net.left.sent.empty());
        BOOST_TEST((story.state() == ike::ConnectionState::down));
        story.packet();
        story.check_up(1);
    });
}

BOOST_AUTO_TEST_CASE(many_packets_start_one_negotiation) {
    over_both([](IkeVersion version) {
        Story story(waiting_vpn(version));
        for (int i = 0; i < 1000; ++i)
            story.packet();
        story.check_up(1);
        BOOST_TEST(story.first_requests() == 1u);
        for (int i = 0; i < 1000; ++i)
            story.packet();
        story.check_up(1);
        BOOST_TEST(story.first_requests() == 1u);
    });
}

BOOST_AUTO_TEST_CASE(only_the_pairs_with_traffic_get_a_child) {
    over_both([](IkeVersion version) {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            Story story(pairs_vpn(version), seed);
            story.packet(1, 0);
            story.check_up(1);
            const auto child = child_sas(story.net.left, "vpn").front();
            BOOST_TEST(to_string(child.local_selectors) == "192.168.12.0/24");
            BOOST_TEST(to_string(child.remote_selectors) == "192.168.30.0/24");
            story.packet(0, 1);
            story.packet(0, 1);
            story.packet(0, 0);
            story.check_up(3);
            BOOST_TEST(story.first_requests() == 1u);
        }
    });
}

BOOST_AUTO_TEST_CASE(pairs_that_wait_for_the_first_exchange_follow_it) {
    over_both([](IkeVersion version) {
        Story story(pairs_vpn(version));
        story.packet(0, 0);
        story.packet(1, 1);
        story.check_up(2);
    });
}

BOOST_AUTO_TEST_CASE(an_operator_brings_all_pairs_up) {
    over_both([](IkeVersion version) {
        Story story(pairs_vpn(version));
        story.packet(0, 0);
        story.check_up(1);
        story.net.command(End::left, ike::Initiate{"vpn", {}});
        story.check_up(4);
    });
}

BOOST_AUTO_TEST_CASE(after_a_failure_it_is_not_tried_with_each_packet) {
    over_both([](IkeVersion version) {
        Story story(waiting_vpn(version));
        story.net.cut = true;
        story.packet();
        // Nobody answers; packets keep coming, one for each larval state of the kernel.
        std::size_t attempts = 0;
        auto failed = count<ike::NegotiationFailed>(story.net.left);
        for (int i = 0; i < 120; ++i) {
            story.net.run_for(30s);
            story.packet();
            const auto now = count<ike::NegotiationFailed>(story.net.left);
            attempts += now - failed;
            failed = now;
        }
        // An attempt lasts some minutes, the wait between two a minute at most.
        BOOST_TEST(attempts >= 6u);
        BOOST_TEST(attempts <= 30u);
        story.net.cut = false;
        BOOST_TEST(story.net.run_until([&] { return story.net.up("vpn"); }, 3min));
    });
}

BOOST_AUTO_TEST_CASE(a_refusal_is_followed_by_a_wait_and_by_nothing_without_traffic) {
    over_both([](IkeVersion version) {
        const auto refused = waiting_vpn(version);
        auto other = mirrored(refused);
        // What IKEv1 says of different secrets is in clear, and ends nothing.
        if (version == IkeVersion::v1)
            other.peer_id = policy::IdentityPattern::parse("another.example.org").value();
        else
            other.psk = policy::Secret::from_text("another");
        TwoGateways net({{refused}}, {{other}});
        net.run_for(1s);
        const ike::Acquire packet{"vpn", {refused.local_selectors, refused.remote_selectors}};
        net.kernel_event(End::left, packet);
        net.run_for(1s);
        BOOST_TEST(count<ike::NegotiationFailed>(net.left) == 1u);
        // Packets come at once; the next attempt waits.
        for (int i = 0; i < 100; ++i)
            net.kernel_event(End::left, packet);
        net.run_for(1s);
        BOOST_TEST(count<ike::NegotiationFailed>(net.left) == 1u);
        net.run_for(3s);
        BOOST_TEST(count<ike::NegotiationFailed>(net.left) == 2u);
        // No packet came since.
        net.run_for(1h);
        BOOST_TEST(count<ike::NegotiationFailed>(net.left) == 2u);
        BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::down));
    });
}

BOOST_AUTO_TEST_CASE(children_are_not_asked_for_with_each_packet_after_one_was_refused) {
    over_both([](IkeVersion version) {
        Story story(pairs_vpn(version));
        auto other = mirrored(story.connection);
        other.local_selectors.pop_back();
        story.net.command(End::right, ike::Reconfigure{{{other}}});
        story.packet(0, 0);
        story.check_up(1);
        const auto sent = [&] { return story.net.left.sent.size(); };
        auto before = sent();
        story.packet(0, 1);
        story.net.run_for(100ms);
        BOOST_TEST(sent() == before + 1);
        for (int i = 0; i < 10; ++i) {
            story.packet(0, 1);
            story.packet(1, 1);
            story.net.run_for(100ms);
        }
        BOOST_TEST(sent() == before + 1);
        // Both in turn, when the wait is over.
        story.net.run_for(2s);
        BOOST_TEST(sent() == before + 3);
        BOOST_TEST(story.net.children() == 2u);
    });
}

BOOST_AUTO_TEST_CASE(a_dead_peer_leaves_the_trap_and_traffic_calls_it_at_once) {
    over_both([](IkeVersion version) {
        Story story(waiting_vpn(version));
        story.packet();
        story.check_up(1);
        const auto before = story.first_requests();
        story.net.cut = true;
        BOOST_REQUIRE(story.net.run_until(
            [&] { return story.state() == ike::ConnectionState::down; }, 10min));
        BOOST_TEST(story.net.left.kernel_children() == 0u);
        story.net.right.restart();
        story.net.cut = false;
        story.net.run_for(1h);
        BOOST_TEST(story.first_requests() == before);
        story.packet();
        story.check_up(1);
    });
}

BOOST_AUTO_TEST_CASE(a_peer_that_closes_leaves_the_trap) {
    over_both([](IkeVersion version) {
        Story story(waiting_vpn(version));
        story.packet();
        story.check_up(1);
        story.net.command(End::right, ike::Terminate{"vpn"});
        story.net.run_for(1h);
        BOOST_TEST(story.net.children() == 0u);
        BOOST_TEST((story.state() == ike::ConnectionState::down));
        story.packet();
        story.check_up(1);
    });
}

BOOST_AUTO_TEST_CASE(a_child_that_the_kernel_lost_comes_back_with_traffic) {
    over_both([](IkeVersion version) {
        Story story(pairs_vpn(version));
        story.packet(0, 0);
        story.check_up(1);
        story.net.kernel_event(
            End::left, ike::HardExpired{child_sas(story.net.left, "vpn").front().inbound_spi});
        story.net.run_for(1min);
        BOOST_TEST(story.net.children() == 0u);
        BOOST_TEST((story.state() == ike::ConnectionState::ike_only));
        story.packet(0, 0);
        story.check_up(1);
        BOOST_TEST(story.first_requests() == 1u);
    });
}

BOOST_AUTO_TEST_CASE(what_the_operator_closed_stays_closed) {
    over_both([](IkeVersion version) {
        Story story(waiting_vpn(version));
        story.packet();
        story.check_up(1);
        story.net.command(End::left, ike::Terminate{"vpn"});
        story.net.run_for(1s);
        for (int i = 0; i < 10; ++i) {
            story.packet();
            story.net.run_for(1min);
        }
        BOOST_TEST(story.net.children() == 0u);
        story.net.command(End::left, ike::Initiate{"vpn", {}});
        story.check_up(1);
    });
}

BOOST_AUTO_TEST_CASE(reauthentication_takes_along_what_there_is_and_no_more) {
    over_both([](IkeVersion version) {
        auto connection = pairs_vpn(version);
        // A new phase 1 of IKEv1 authenticates.
        (version == IkeVersion::v1 ? connection.ike.lifetime : connection.ike.reauthentication) =
            10min;
        Story story(connection);
        story.packet(0, 1);
        story.packet(1, 0);
        story.check_up(2);
        story.net.run_for(1h);
        BOOST_TEST(story.first_requests() > 3u);
        story.check_up(2);
        BOOST_TEST(ike_sas(story.net.left, "vpn").size() == 1u);
        // A pair that had no traffic until then is for the newest of them.
        story.packet(0, 0);
        story.check_up(3);
    });
}

BOOST_AUTO_TEST_CASE(a_rekey_needs_no_traffic) {
    over_both([](IkeVersion version) {
        auto connection = waiting_vpn(version);
        connection.esp.lifetime = 10min;
        connection.ike.lifetime = 30min;
        Story story(connection);
        story.packet();
        story.check_up(1);
        story.net.traffic = true;
        story.net.run_for(3h);
        story.net.traffic = false;
        BOOST_TEST(story.net.lost_packets.empty());
        // IKEv1 has no other way to new keys of phase 1 than the one it began with.
        BOOST_TEST((story.first_requests() == 1u) == (version == IkeVersion::v2));
        story.check_up(1);
    });
}

// What was edited goes when all is there that traffic asked for: other pairs are not waited for.
BOOST_AUTO_TEST_CASE(an_edit_makes_anew_what_has_traffic_and_no_more) {
    over_both([](IkeVersion version) {
        Story story(pairs_vpn(version));
        story.packet(0, 0);
        story.check_up(1);
        auto edited = story.connection;
        edited.psk = policy::Secret::from_text("another secret");
        edited.remote_selectors.back() = subnets({"192.168.50.0/24"}).front();
        story.net.command(End::right, ike::Reconfigure{{{mirrored(edited)}}});
        story.net.command(End::left, ike::Reconfigure{{{edited}}});
        story.connection = edited;
        story.net.run_for(3min);
        story.packet(0, 0);
        story.check_up(1);
        BOOST_TEST(story.net.left.kernel_children() == 1u);
        BOOST_TEST(story.net.right.kernel_children() == 1u);
        BOOST_TEST(ike_sas(story.net.left, "vpn").size() == 1u);
        story.packet(1, 1);
        story.check_up(2);
    });
}

// The side that only answers begins when it is edited: it makes what there is, and no pair beyond.
BOOST_AUTO_TEST_CASE(an_edit_that_the_answering_side_lacked_ends_the_old_sa_when_it_comes_there) {
    over_both([](IkeVersion version) {
        for (const std::size_t pair : {0u, 1u})
            for (std::uint64_t seed = 1; seed <= 5; ++seed)
                BOOST_TEST_CONTEXT("pair " << pair << ", seed " << seed) {
                    Story story(pairs_vpn(version), seed);
                    story.packet(pair, pair);
                    story.check_up(1);
                    auto edited = story.connection;
                    edited.psk = policy::Secret::from_text("another secret");
                    story.net.command(End::left, ike::Reconfigure{{{edited}}});
                    story.net.run_for(15min);
                    BOOST_TEST(story.net.children() == 2u);
                    story.net.command(End::right, ike::Reconfigure{{{mirrored(edited)}}});
                    story.net.run_for(2min);
                    BOOST_TEST(ike_sas(story.net.left, "vpn").size() == 1u);
                    BOOST_TEST(ike_sas(story.net.right, "vpn").size() == 1u);
                    story.packet(pair, pair);
                    story.check_up(1);
                    story.packet(0, 1);
                    story.check_up(2);
                }
    });
}

// Only IKEv1 has children without a phase 1.
BOOST_AUTO_TEST_CASE(
    an_edited_child_that_outlived_its_phase_one_waits_for_nothing_without_traffic) {
    auto connection = pairs_vpn(IkeVersion::v1);
    connection.ike.lifetime = 10min;
    Story story(connection);
    const auto inbound = [&] {
        return story.net.left.kernel.installed().begin()->second.child.inbound_spi;
    };
    story.packet(0, 0);
    story.check_up(1);
    const auto old = inbound();
    connection.psk = policy::Secret::from_text("another secret");
    story.net.command(End::left, ike::Reconfigure{{{connection}}});
    story.net.run_for(15min);
    BOOST_TEST(ike_sas(story.net.left, "vpn").empty());
    BOOST_REQUIRE(story.net.left.kernel_children() == 1u);
    BOOST_TEST((inbound() == old));
    story.net.command(End::right, ike::Reconfigure{{{mirrored(connection)}}});
    story.net.run_for(5min);
    // QUICK_MODE { HASH } ends it, and INFORMATIONAL_V1 { HASH, D } --> two seconds later says so.
    story.packet(0, 0);
    story.net.run_for(20s);
    BOOST_REQUIRE(story.net.left.kernel_children() == 1u);
    BOOST_TEST((inbound() != old));
    story.check_up(1);
}

BOOST_AUTO_TEST_CASE(packets_for_a_connection_that_is_not_on_demand_mean_nothing) {
    over_both([](IkeVersion version) {
        auto connection = waiting_vpn(version);
        connection.start = policy::StartAction::respond;
        Story story(connection);
        story.packet();
        story.net.kernel_event(End::left, ike::Acquire{"unknown", {}});
        story.net.run_for(1h);
        BOOST_TEST(story.net.left.sent.empty());
    });
}

BOOST_AUTO_TEST_CASE(the_peer_may_be_faster_than_the_packet) {
    over_both([](IkeVersion version) {
        auto connection = waiting_vpn(version);
        auto other = mirrored(connection);
        other.start = policy::StartAction::on_demand;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            TwoGateways net({{connection}}, {{other}}, seed);
            net.run_for(1s);
            net.kernel_event(End::right,
                             ike::Acquire{"vpn", {other.local_selectors, other.remote_selectors}});
            net.kernel_event(
                End::left,
                ike::Acquire{"vpn", {connection.local_selectors, connection.remote_selectors}});
            net.run_for(1min);
            BOOST_TEST(net.children() == 2u);
            BOOST_TEST(net.disagreements().empty());
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
