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

BOOST_AUTO_TEST_CASE(reqids_are_marked_stable_and_different) {
    ConnectionDirectory directory({}, {});
    const auto local = simulation::subnets({"192.168.11.0/24", "192.168.12.0/24"});
    const auto remote = simulation::subnets({"192.168.20.0/24"});
    const auto first = directory.reqid("vpn1", local, remote);
    BOOST_TEST(first >> 24 == 0x56u);
    BOOST_TEST(directory.reqid("vpn1", {local[1], local[0]}, remote) == first);
    BOOST_TEST(directory.reqid("vpn2", local, remote) != first);
    BOOST_TEST(directory.reqid("vpn1", {local[0]}, remote) != first);
    BOOST_TEST(directory.reqid("vpn1", {local[0]}, remote) !=
               directory.reqid("vpn1", {local[1]}, remote));
}

BOOST_AUTO_TEST_CASE(reqids_of_a_connection_are_limited) {
    ConnectionDirectory directory({}, {});
    std::set<std::uint32_t> different;
    for (std::uint16_t port = 1; port <= 5000; ++port) {
        auto selector = simulation::subnets({"192.168.11.0/24"}).front();
        selector.start_port = selector.end_port = port;
        different.insert(directory.reqid("vpn1", {selector}, {selector}));
    }
    BOOST_TEST(different.size() == 4096u);
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

// covers 3948-1-c
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

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
