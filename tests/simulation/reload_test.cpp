// An edited configuration while tunnels are up: the new comes before the old goes, and what did not
// change is not touched.
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iterator>
#include <map>

BOOST_AUTO_TEST_SUITE(reload)

using namespace viaduct;
using namespace viaduct::simulation;

namespace {

std::vector<std::uint64_t> ike_spis(const Gateway& gateway, const std::string& connection) {
    std::vector<std::uint64_t> spis;
    for (const auto& sa : ike_sas(gateway, connection))
        spis.push_back(static_cast<std::uint64_t>(sa.initiator_spi));
    std::ranges::sort(spis);
    return spis;
}

std::vector<policy::ChildSpi> child_spis(const Gateway& gateway, const std::string& connection) {
    std::vector<policy::ChildSpi> spis;
    for (const auto& child : child_sas(gateway, connection))
        spis.push_back(child.inbound_spi);
    std::ranges::sort(spis);
    return spis;
}

/// A tunnel with traffic in it, whose configuration is edited.
struct Tunnel {
    explicit Tunnel(const policy::Connection& configured = left_vpn())
        : connection(configured), net({{configured}}, {{mirrored(configured)}}) {
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        net.run_for(1s);
        net.traffic = true;
        ike_before = ike_spis(net.left, "vpn");
        children_before = child_spis(net.left, "vpn");
    }

    void edit(End end, const policy::Connection& edited) {
        net.command(end, ike::Reconfigure{{{end == End::left ? edited : mirrored(edited)}}});
    }
    void edit_both(const policy::Connection& edited) {
        edit(End::right, edited);
        edit(End::left, edited);
    }
    bool same_ike_sa() const { return ike_spis(net.left, "vpn") == ike_before; }
    bool same_children() const { return child_spis(net.left, "vpn") == children_before; }
    /// One IKE SA with one child, on which both ends agree, and no packet was ever lost.
    void check() {
        BOOST_TEST(net.up("vpn"));
        BOOST_TEST(ike_sas(net.left, "vpn").size() == 1u);
        BOOST_TEST(ike_sas(net.right, "vpn").size() == 1u);
        BOOST_TEST(net.children() == 2u);
        for (const auto& each : net.disagreements())
            BOOST_ERROR(each);
        for (const auto& each : net.lost_packets)
            BOOST_ERROR(each);
    }

    policy::Connection connection;
    TwoGateways net;
    std::vector<std::uint64_t> ike_before;
    std::vector<policy::ChildSpi> children_before;
};

} // namespace

BOOST_AUTO_TEST_CASE(what_is_read_when_it_is_needed_changes_in_place) {
    Tunnel t;
    auto edited = t.connection;
    edited.dpd.interval = 5s;
    edited.close = policy::CloseAction::clear;
    edited.ike.retransmission.attempts = 3;
    edited.ike.name = edited.esp.name = "another-name";
    const auto datagrams = t.net.datagrams();
    t.edit(End::left, edited);
    BOOST_TEST(t.net.datagrams() == datagrams);
    t.net.traffic = false;
    // The new interval holds at once.
    t.net.run_for(12s);
    BOOST_TEST(t.net.datagrams() > datagrams);
    BOOST_TEST((t.same_ike_sa() && t.same_children()));
    t.check();
}

BOOST_AUTO_TEST_CASE(other_algorithms_of_child_sas_come_by_a_rekey) {
    Tunnel t;
    auto edited = t.connection;
    edited.esp.proposals = esp_proposals({"aes256-sha256-x25519"});
    t.edit_both(edited);
    t.net.run_for(30s);
    BOOST_TEST(t.same_ike_sa());
    BOOST_TEST(!t.same_children());
    const auto suite = child_sas(t.net.left, "vpn").at(0).suite;
    BOOST_TEST((suite.encryption == policy::EncryptionAlgorithm::aes_cbc));
    t.check();
}

BOOST_AUTO_TEST_CASE(other_algorithms_of_the_ike_sa_come_by_a_rekey_with_the_children_kept) {
    auto connection = left_vpn();
    connection.ike.proposals =
        ike_proposals({"aes256gcm16-prfsha384-x25519", "aes256-sha256-modp2048"});
    Tunnel t(connection);
    // The peer takes both, so that it needs no edit of its own.
    auto edited = t.connection;
    edited.ike.proposals = ike_proposals({"aes256-sha256-modp2048"});
    t.edit(End::left, edited);
    t.net.run_for(30s);
    BOOST_TEST(!t.same_ike_sa());
    BOOST_TEST(t.same_children());
    const auto suite = ike_sas(t.net.left, "vpn").at(0).suite;
    BOOST_TEST((suite && suite->encryption == policy::EncryptionAlgorithm::aes_cbc));
    t.check();
}

BOOST_AUTO_TEST_CASE(both_rekeys_at_once) {
    Tunnel t;
    auto edited = t.connection;
    edited.ike.proposals = ike_proposals({"aes256-sha256-modp2048"});
    edited.esp.lifetime = 10min;
    t.edit_both(edited);
    t.net.run_for(30s);
    BOOST_TEST((!t.same_ike_sa() && !t.same_children()));
    t.check();
}

BOOST_AUTO_TEST_CASE(another_secret_comes_by_a_new_ike_sa_before_the_old_one_goes) {
    Tunnel t;
    auto edited = t.connection;
    edited.psk = policy::Secret::from_text("another secret");
    t.edit_both(edited);
    t.net.run_for(60s);
    BOOST_TEST((!t.same_ike_sa() && !t.same_children()));
    t.check();
}

BOOST_AUTO_TEST_CASE(a_responder_renews_its_ike_sa_too) {
    Tunnel t;
    auto edited = t.connection;
    edited.peer_id =
        policy::IdentityPattern::exactly(policy::Identity::parse("right.example.org").value());
    t.edit(End::right, edited);
    // The peer does not know of it yet: what there is goes on, and it is tried again.
    t.net.run_for(20s);
    BOOST_TEST((t.same_ike_sa() && t.same_children()));
    BOOST_TEST(status(t.net.right, "vpn").reason.has_value());
    t.check();
    t.edit(End::left, edited);
    t.net.run_for(120s);
    BOOST_TEST((!t.same_ike_sa() && !t.same_children()));
    t.check();
}

BOOST_AUTO_TEST_CASE(one_more_subnet_comes_by_new_sas_and_loses_nothing_of_the_others) {
    Tunnel t;
    auto edited = t.connection;
    edited.remote_selectors.push_back(subnets({"192.168.50.0/24"}).front());
    t.edit_both(edited);
    t.net.run_for(60s);
    BOOST_TEST(!t.same_children());
    BOOST_TEST(child_sas(t.net.left, "vpn").at(0).remote_selectors.size() == 3u);
    t.check();
}

BOOST_AUTO_TEST_CASE(a_peer_that_can_only_call_us_calls_again) {
    auto calling = left_vpn();
    auto called = mirrored(calling);
    called.peer_address = policy::AnyPeer{};
    TwoGateways net({{calling}}, {{called}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    calling.psk = called.psk = policy::Secret::from_text("another secret");
    net.command(End::left, ike::Reconfigure{{{calling}}});
    net.command(End::right, ike::Reconfigure{{{called}}});
    net.run_for(60s);
    BOOST_TEST(net.up("vpn"));
    BOOST_TEST(ike_sas(net.right, "vpn").size() == 1u);
    BOOST_TEST(net.children() == 2u);
}

BOOST_AUTO_TEST_CASE(a_connection_begins_or_ceases_to_be_kept_up_without_being_touched) {
    Tunnel t;
    auto edited = t.connection;
    edited.start = policy::StartAction::respond;
    t.edit(End::left, edited);
    BOOST_TEST((t.same_ike_sa() && t.same_children()));
    // Nobody brings it back now.
    t.net.traffic = false;
    t.net.command(End::right, ike::Terminate{"vpn"});
    t.net.run_for(60s);
    BOOST_TEST(!t.net.up("vpn"));
    t.edit(End::left, t.connection);
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 5s));
}

BOOST_AUTO_TEST_CASE(an_edit_during_the_first_contact_begins_it_anew) {
    auto connection = left_vpn();
    TwoGateways net({{connection}}, {{mirrored(connection)}});
    net.cut = true;
    net.run_for(100ms);
    connection.psk = policy::Secret::from_text("another secret");
    net.command(End::right, ike::Reconfigure{{{mirrored(connection)}}});
    net.command(End::left, ike::Reconfigure{{{connection}}});
    net.cut = false;
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(30s);
    BOOST_TEST(net.children() == 2u);
}

/// A thousand connections, all up.
struct Thousand {
    static constexpr std::size_t count = 1000;

    Thousand() : left(configured()), net(left, seen_from_the_right(left)) {
        net.run_for(10s);
        BOOST_REQUIRE_EQUAL(net.children(), 2 * count);
        net.left.sent.clear();
        net.right.sent.clear();
    }
    static policy::ConnectionSet configured() {
        policy::ConnectionSet set;
        for (std::size_t i = 0; i < count; ++i) {
            auto each = left_vpn("vpn" + std::to_string(i));
            each.local_selectors = {policy::TrafficSelector::from_subnet(
                {policy::IpAddress::v4(10, static_cast<std::uint8_t>(i / 256),
                                       static_cast<std::uint8_t>(i % 256), 0),
                 24})};
            set.connections.push_back(std::move(each));
        }
        return set;
    }
    static policy::ConnectionSet seen_from_the_right(const policy::ConnectionSet& set) {
        policy::ConnectionSet result;
        std::ranges::transform(set.connections, std::back_inserter(result.connections), mirrored);
        return result;
    }
    /// Of each end's child SAs, by their ids, inbound SPI and what they took in so far.
    static auto children_of(const Gateway& gateway) {
        std::map<policy::ChildSaId, std::pair<policy::ChildSpi, std::uint64_t>> found;
        for (const auto& [id, installed] : gateway.kernel.installed())
            found[id] = {installed.child.inbound_spi, installed.inbound_packets};
        return found;
    }
    /// A packet each way through the SAs of a connection that the kernels would take now.
    void exchange_packets(const policy::Connection& connection) {
        for (const auto end : {End::left, End::right}) {
            const auto& local = connection.local_selectors[0];
            const auto& remote = connection.remote_selectors[0];
            const auto* const out = end == End::left ? net.at(end).kernel.outbound(local, remote)
                                                     : net.at(end).kernel.outbound(remote, local);
            ++packets;
            if (out == nullptr || !net.at(other(end)).kernel.receive(out->child.outbound_spi))
                ++lost;
        }
    }

    policy::ConnectionSet left;
    TwoGateways net;
    std::size_t packets = 0, lost = 0;
};

BOOST_AUTO_TEST_CASE(one_of_a_thousand_touches_only_itself_and_loses_nothing) {
    Thousand t;
    constexpr std::size_t edited = 500;
    const auto& connection = t.left.connections[edited];
    const auto changed = child_spis(t.net.left, connection.name);
    for (const auto& each : t.left.connections)
        t.exchange_packets(each);
    BOOST_TEST(t.lost == 0u);
    const auto left_before = Thousand::children_of(t.net.left);
    const auto right_before = Thousand::children_of(t.net.right);
    t.net.after_step = [&] { t.exchange_packets(connection); };
    t.left.connections[edited].esp.lifetime = 20min;
    t.net.command(End::left, ike::Reconfigure{t.left});
    t.net.run_for(5s);
    t.net.after_step = nullptr;
    BOOST_TEST((child_spis(t.net.left, connection.name) != changed));
    // A rekey and a delete, and the answers; nothing else.
    BOOST_TEST(t.net.left.sent.size() == 2u);
    BOOST_TEST(t.net.right.sent.size() == 2u);
    BOOST_TEST(t.packets > 2 * Thousand::count);
    BOOST_TEST(t.lost == 0u);
    // The others are what they were, and no packet of theirs went elsewhere.
    const auto untouched = [](const auto& before, const auto& after) {
        return std::ranges::count_if(
            before, [&](const auto& child) { return std::ranges::contains(after, child); });
    };
    BOOST_TEST(untouched(left_before, Thousand::children_of(t.net.left)) == 999);
    BOOST_TEST(untouched(right_before, Thousand::children_of(t.net.right)) == 999);
    for (const auto& each : t.left.connections)
        t.exchange_packets(each);
    BOOST_TEST(t.lost == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
