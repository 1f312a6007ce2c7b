#include "ike/child_spi_table.h"
#include "ike/connection_directory.h"
#include "tests/crypto/scripted_rng.h"
#include "tests/simulation/connections.h"

#include <boost/test/unit_test.hpp>
#include <botan/chacha_rng.h>

#include <set>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(connection_directory)

BOOST_AUTO_TEST_CASE(a_connection_outlives_a_reload_for_who_holds_it) {
    ConnectionDirectory directory({{simulation::left_vpn("vpn1")}}, {});
    const auto held = directory.find("vpn1");
    directory.replace({{simulation::left_vpn("vpn2")}});
    BOOST_TEST(held->name == "vpn1");
    BOOST_TEST(!directory.find("vpn1"));
    BOOST_TEST(directory.all().size() == 1u);
}

BOOST_AUTO_TEST_CASE(only_one_connection_is_known_where_one_is_named) {
    ConnectionDirectory directory({{simulation::left_vpn("vpn1"), simulation::left_vpn("vpn2")}},
                                  "vpn2");
    BOOST_TEST(directory.all().size() == 1u);
    BOOST_TEST(!directory.find("vpn1"));
}

namespace {

/// A child with selectors of its own.
std::uint32_t new_child(ChildSpiTable& table, std::uint32_t number, const std::string& connection,
                        const std::vector<policy::TrafficSelector>& local,
                        const std::vector<policy::TrafficSelector>& remote) {
    const auto reqid = table.reqid(policy::ChildSaId{number}, connection, local, remote);
    table.assign(policy::ChildSpi{number}, policy::ChildSaId{number}, wire::IkeSpi{1});
    return reqid;
}

} // namespace

BOOST_AUTO_TEST_CASE(reqids_are_marked_and_go_by_connection_and_selectors) {
    ChildSpiTable table;
    const auto local = simulation::subnets({"192.168.11.0/24", "192.168.12.0/24"});
    const auto remote = simulation::subnets({"192.168.20.0/24"});
    const auto first = new_child(table, 1, "vpn1", local, remote);
    BOOST_TEST((first >> 24) == 0x56u);
    BOOST_TEST(new_child(table, 2, "vpn1", {local[1], local[0]}, remote) == first);
    BOOST_TEST(new_child(table, 3, "vpn2", local, remote) != first);
    const auto part = new_child(table, 4, "vpn1", {local[0]}, remote);
    BOOST_TEST(part != first);
    BOOST_TEST(new_child(table, 5, "vpn1", {local[1]}, remote) != part);
}

BOOST_AUTO_TEST_CASE(a_reqid_stays_while_one_of_its_children_lives) {
    ChildSpiTable table;
    const auto selectors = simulation::subnets({"192.168.11.0/24"});
    const auto first = new_child(table, 1, "vpn1", selectors, selectors);
    BOOST_TEST(new_child(table, 2, "vpn1", selectors, selectors) == first);
    table.release(policy::ChildSpi{1});
    BOOST_TEST(new_child(table, 3, "vpn1", selectors, selectors) == first);
    table.release(policy::ChildSpi{2});
    table.release(policy::ChildSpi{3});
    BOOST_TEST(new_child(table, 4, "vpn1", selectors, selectors) != first);
}

BOOST_AUTO_TEST_CASE(children_of_many_peers_of_one_connection_share_no_reqid) {
    ChildSpiTable table;
    std::set<std::uint32_t> different;
    const auto hub = simulation::subnets({"192.168.11.0/24"});
    for (std::uint32_t peer = 0; peer < 20000; ++peer) {
        const auto subnet = policy::TrafficSelector::from_subnet(
            {policy::IpAddress::v4(10, static_cast<std::uint8_t>(peer >> 8),
                                   static_cast<std::uint8_t>(peer), 0),
             24});
        different.insert(new_child(table, 1000 + peer, "peers", hub, {subnet}));
    }
    BOOST_TEST(different.size() == 20000u);
}

BOOST_AUTO_TEST_CASE(a_name_stands_for_an_address_of_the_right_family) {
    auto connection = simulation::left_vpn();
    connection.peer_address = policy::PeerName{"gw.example.org"};
    ConnectionDirectory directory({{connection}}, {});
    BOOST_TEST(!directory.peer_address(connection).has_value());
    directory.set_addresses("gw.example.org",
                            {simulation::address("2001:db8::1"), simulation::address("10.0.0.1")});
    BOOST_TEST(directory.peer_address(connection)->to_string() == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(an_address_stands_for_what_was_resolved_last) {
    auto connection = simulation::left_vpn();
    connection.peer_address = policy::PeerName{"gw.example.org"};
    ConnectionDirectory directory({{connection}}, {});
    const auto known = [&](std::string_view peer) {
        return directory
            .candidates(policy::IkeVersion::v2,
                        {{connection.local_address, 500}, {simulation::address(peer), 500}})
            .size();
    };
    BOOST_TEST(known("10.0.0.1") == 0u);
    directory.set_addresses("gw.example.org",
                            {simulation::address("10.0.0.1"), simulation::address("10.0.0.2")});
    directory.set_addresses("other.example.org", {simulation::address("10.0.0.1")});
    BOOST_TEST(known("10.0.0.1") == 1u);
    directory.set_addresses("gw.example.org",
                            {simulation::address("10.0.0.2"), simulation::address("10.0.0.3")});
    BOOST_TEST(known("10.0.0.1") == 0u);
    BOOST_TEST(known("10.0.0.2") == 1u);
    BOOST_TEST(known("10.0.0.3") == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_found_is_of_the_set_that_came_last) {
    auto old = simulation::left_vpn("vpn1");
    auto fresh = simulation::left_vpn("vpn2");
    ConnectionDirectory directory({{old, fresh}}, {});
    fresh.psk = policy::Secret::from_text("another");
    directory.replace({{fresh}});
    const policy::UdpPath path{{fresh.local_address, 500},
                               {std::get<policy::IpAddress>(fresh.peer_address), 500}};
    const auto found = directory.candidates(policy::IkeVersion::v2, path);
    BOOST_REQUIRE(found.size() == 1u);
    BOOST_TEST((*found.front() == fresh));
    BOOST_TEST((directory.find("vpn2") == found.front()));
    BOOST_TEST(directory.alone_between_identities(fresh));
}

// covers 3948-1-c, 2408-2.4-d, 2408-5.5-b
BOOST_AUTO_TEST_CASE(spis_are_unique_and_never_reserved) {
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 2));
    ChildSpiTable table;
    std::set<policy::ChildSpi> drawn;
    for (int i = 0; i < 1000; ++i) {
        const auto spi = table.draw(rng);
        BOOST_TEST(static_cast<std::uint32_t>(spi) > 255u);
        BOOST_TEST(drawn.insert(spi).second);
    }
    BOOST_TEST(table.size() == 1000u);
    for (const auto spi : drawn)
        table.release(spi);
    BOOST_TEST(table.size() == 0u);
}

// covers story-OT03
BOOST_AUTO_TEST_CASE(an_spi_that_is_taken_is_drawn_again) {
    test::ScriptedRng rng({0xc0, 0, 0, 1, 0xc0, 0, 0, 1, 0, 0, 0, 255, 0xc0, 0, 0, 2});
    ChildSpiTable table;
    BOOST_TEST((table.draw(rng) == policy::ChildSpi{0xc0000001}));
    BOOST_TEST((table.draw(rng) == policy::ChildSpi{0xc0000002}));
}

// covers 7296-1.4.1-f
BOOST_AUTO_TEST_CASE(an_spi_that_the_peer_may_still_use_is_drawn_again_much_later) {
    test::ScriptedRng rng({0xc0, 0, 0, 1, 0xc0, 0, 0, 1, 0xc0, 0, 0, 2, 0xc0, 0, 0, 1});
    ChildSpiTable table;
    const TimePoint closed{std::chrono::hours(1)};
    const auto first = table.draw(rng);
    table.retire(first, closed);
    const auto second = table.draw(rng);
    BOOST_TEST((second == policy::ChildSpi{0xc0000002}));
    BOOST_TEST(table.size() == 1u);
    table.retire(second, closed + std::chrono::hours(1));
    BOOST_TEST((table.draw(rng) == first));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
