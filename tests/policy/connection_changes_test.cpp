#include "policy/connection_changes.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_changes)

using namespace viaduct::policy;

namespace {

Connection named(std::string name) {
    Connection connection;
    connection.name = std::move(name);
    connection.psk = Secret::from_text("a secret");
    return connection;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_connection_is_in_exactly_one_list) {
    auto changed = named("changed");
    changed.psk = Secret::from_text("another secret");
    const ConnectionSet before{{named("kept"), named("changed"), named("removed")}};
    const ConnectionSet after{{changed, named("added"), named("kept")}};
    const ConnectionChanges expected{
        {"added"}, {"removed"}, {{"changed", {.new_ike_sas = true}}}, {"kept"}};
    BOOST_TEST((compare(before, after) == expected));
}

BOOST_AUTO_TEST_CASE(the_order_of_the_file_changes_nothing) {
    const auto changes = compare({{named("a"), named("b")}}, {{named("b"), named("a")}});
    BOOST_TEST((changes == ConnectionChanges{{}, {}, {}, {"b", "a"}}));
}

BOOST_AUTO_TEST_CASE(a_changed_policy_changes_the_connections_that_use_it) {
    auto shorter = named("a");
    shorter.esp.lifetime = std::chrono::minutes(5);
    const auto changes = compare({{named("a"), named("b")}}, {{shorter, named("b")}});
    BOOST_TEST((changes == ConnectionChanges{{}, {}, {{"a", {.rekey_children = true}}}, {"b"}}));
}

BOOST_AUTO_TEST_CASE(the_name_of_a_policy_changes_nothing) {
    auto renamed = named("a");
    renamed.ike.name = renamed.esp.name = "another";
    BOOST_TEST((compare({{named("a")}}, {{renamed}}) == ConnectionChanges{{}, {}, {}, {"a"}}));
    const ConnectionSet both{{named("a"), named("b")}};
    BOOST_TEST((unchanged(both) == compare(both, both)));
}

BOOST_AUTO_TEST_CASE(a_change_asks_for_as_little_as_will_do) {
    const auto asks = [](const auto& edit) {
        auto edited = named("a");
        edit(edited);
        return changes_to_sas(named("a"), edited).to_string();
    };
    using C = Connection;
    using namespace std::chrono_literals;
    BOOST_TEST(asks([](C&) {}) == "in place");
    BOOST_TEST(asks([](C& c) { c.dpd.interval = 1s; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.start = StartAction::on_demand; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.close = CloseAction::clear; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.unique = Uniqueness::keep; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.ike.fragmentation.size = 576; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.ike.retransmission.attempts = 2; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.nat_traversal.keepalive = 1s; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.leak_guard = false; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.mtu = 1400; }) == "in place");
    BOOST_TEST(asks([](C& c) { c.esp.lifetime = 5min; }) == "child SAs rekeyed");
    BOOST_TEST(asks([](C& c) { c.esp.volume.bytes = 1 << 30; }) == "child SAs rekeyed");
    BOOST_TEST(asks([](C& c) { c.esp.replay_window = 64; }) == "child SAs rekeyed");
    BOOST_TEST(asks([](C& c) { c.esp.header.copy_df = false; }) == "child SAs rekeyed");
    BOOST_TEST(asks([](C& c) { c.interface = TunnelInterface{"vti", {}, true}; }) ==
               "child SAs rekeyed");
    BOOST_TEST(asks([](C& c) { c.esp.mode = EspMode::transport; }) ==
               "child SAs rekeyed, packets under way are lost");
    BOOST_TEST(asks([](C& c) {
                   c.esp.mode = EspMode::transport;
                   c.psk = Secret::from_text("x");
               }) == "new IKE SA, packets under way are lost");
    BOOST_TEST(asks([](C& c) { c.ike.lifetime = 1h; }) == "IKE SA rekeyed");
    BOOST_TEST(asks([](C& c) { c.ike.rekey.jitter = 5; }) == "IKE SA rekeyed");
    BOOST_TEST(asks([](C& c) {
                   c.ike.lifetime = 1h;
                   c.esp.lifetime = 5min;
                   c.dpd.interval = 1s;
               }) == "IKE SA and child SAs rekeyed");
    BOOST_TEST(asks([](C& c) { c.psk = Secret::from_text("x"); }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.local_id = Identity::parse("a.example").value(); }) ==
               "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.local_address = IpAddress::v4(1, 2, 3, 4); }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.peer_address = AnyPeer{}; }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.children = ChildrenShape::per_pair; }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.peer_ports.ike = 14500; }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.nat_traversal.force = true; }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.ike.reauthentication = 1h; }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) { c.ike.version = IkeVersion::v1; }) == "new IKE SA");
    BOOST_TEST(asks([](C& c) {
                   c.local_selectors.push_back({});
                   c.esp.lifetime = 5min;
               }) == "new IKE SA");
}

BOOST_AUTO_TEST_CASE(the_interface_keeps_its_sas_while_it_keeps_its_name) {
    auto before = named("a");
    before.interface = TunnelInterface{"vti", {}, true};
    auto after = before;
    after.interface->routes = false;
    BOOST_TEST(changes_to_sas(before, after).none());
    after.interface->name = "vti2";
    BOOST_TEST((changes_to_sas(before, after) == SaChanges{.rekey_children = true}));
}

BOOST_AUTO_TEST_CASE(connections_are_found_by_name) {
    const ConnectionSet set{{named("a"), named("b")}};
    BOOST_TEST(set.find("b") == &set.connections[1]);
    BOOST_TEST(set.find("c") == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
