// An edited configuration while tunnels over IKEv1 are up: where a new phase 1 is needed, it and
// its children come before the old ones go.
#include "tests/simulation/v1_connections.h"

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_reload)

namespace {

struct EditedTunnel : OldTunnel {
    explicit EditedTunnel(const policy::Connection& configured = old_left_vpn(),
                          std::uint64_t seed = 1)
        : OldTunnel(configured, seed),
          connection(configured),
          child(inbound(End::left)),
          ike(ike_sas(net.left, "vpn").front().initiator_spi) {}

    void edit(End end, const policy::Connection& edited) {
        net.command(end, ike::Reconfigure{{{end == End::left ? edited : mirrored(edited)}}});
    }
    void edit_both(const policy::Connection& edited) {
        edit(End::right, edited);
        edit(End::left, edited);
    }
    bool all_new() {
        return inbound(End::left) != child && ike_sas(net.left, "vpn").front().initiator_spi != ike;
    }
    bool all_old() {
        return inbound(End::left) == child && ike_sas(net.left, "vpn").front().initiator_spi == ike;
    }

    policy::Connection connection;
    policy::ChildSpi child;
    ike::wire::IkeSpi ike;
};

} // namespace

BOOST_AUTO_TEST_CASE(another_secret_comes_before_the_old_one_goes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            EditedTunnel t(old_left_vpn(), seed);
            auto edited = t.connection;
            edited.psk = policy::Secret::from_text("another secret");
            t.edit_both(edited);
            t.net.run_for(90s);
            BOOST_TEST(t.all_new());
            t.check_settled();
        }
    }
}

BOOST_AUTO_TEST_CASE(until_the_peer_is_edited_too_the_old_one_carries_on) {
    EditedTunnel t;
    auto edited = t.connection;
    edited.psk = policy::Secret::from_text("another secret");
    t.edit(End::left, edited);
    t.net.run_for(3min);
    BOOST_TEST(t.all_old());
    BOOST_TEST(status(t.net.left, "vpn").reason.has_value());
    BOOST_TEST(t.net.children() == 2u);
    t.edit(End::right, edited);
    t.net.run_for(5min);
    BOOST_TEST(t.all_new());
    t.check_settled();
}

BOOST_AUTO_TEST_CASE(other_identities_of_either_side) {
    auto ours = old_left_vpn();
    ours.local_id = policy::Identity::parse("left.example.org").value();
    auto theirs = old_left_vpn();
    theirs.peer_id =
        policy::IdentityPattern::exactly(policy::Identity::parse("right.example.org").value());
    for (const auto& edited : {ours, theirs})
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            BOOST_TEST_CONTEXT("seed " << seed) {
                EditedTunnel t(old_left_vpn(), seed);
                t.edit_both(edited);
                t.net.run_for(2min);
                BOOST_TEST(t.all_new());
                t.check_settled();
            }
        }
}

BOOST_AUTO_TEST_CASE(subnets_come_go_and_change_their_size) {
    for (const auto& remote : {subnets({"192.168.30.0/24", "192.168.40.0/24"}),
                               subnets({"192.168.30.0/25"}), subnets({"192.168.30.0/23"})}) {
        BOOST_TEST_CONTEXT(remote.back().to_string()) {
            EditedTunnel t;
            auto edited = t.connection;
            edited.remote_selectors = remote;
            t.edit_both(edited);
            t.pairs = remote.size();
            // Traffic is for all that was configured, so that it ends with the smaller one.
            t.net.run_for(10s);
            t.net.traffic = !remote.front().to_string().ends_with("/25");
            t.net.run_for(2min);
            BOOST_TEST(t.all_new());
            BOOST_TEST(child_sas(t.net.left, "vpn").front().remote_selectors.front().to_string() ==
                       remote.front().to_string());
            t.check_settled();
        }
    }
}

BOOST_AUTO_TEST_CASE(what_the_peer_refuses_leaves_the_old_children_alone) {
    EditedTunnel t;
    auto edited = t.connection;
    edited.remote_selectors = subnets({"192.168.30.0/23"});
    t.edit(End::left, edited);
    t.net.run_for(3min);
    BOOST_TEST(t.net.children() >= 2u);
    BOOST_TEST(t.net.lost_packets.empty());
}

BOOST_AUTO_TEST_CASE(the_other_version_takes_over) {
    const auto v1 = old_left_vpn();
    auto v2 = v1;
    v2.ike.version = policy::IkeVersion::v2;
    v2.ike.proposals = left_vpn().ike.proposals;
    for (const bool forward : {true, false}) {
        BOOST_TEST_CONTEXT((forward ? "IKEv1 to IKEv2" : "IKEv2 to IKEv1")) {
            EditedTunnel t(forward ? v1 : v2);
            t.edit_both(forward ? v2 : v1);
            t.net.run_for(2min);
            BOOST_TEST(t.all_new());
            t.check_settled();
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
