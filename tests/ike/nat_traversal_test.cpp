#include "ike/nat_traversal.h"

#include "ike/peer_address.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(nat_traversal)

namespace {

constexpr wire::IkeSpi spi_i{0x0102030405060708};
constexpr wire::IkeSpi spi_r{0};
const policy::UdpEndpoint left{policy::IpAddress::v4(10, 10, 10, 5), 500};
const policy::UdpEndpoint right{policy::IpAddress::v4(10, 10, 10, 4), 500};
const policy::UdpEndpoint nat{policy::IpAddress::v4(203, 0, 113, 7), 61234};

} // namespace

BOOST_AUTO_TEST_CASE(no_nat_is_found_where_there_is_none) {
    const auto sent = nat_detection_notifies(spi_i, spi_r, {left, right});
    const auto found = detect_nat(sent, spi_i, spi_r, {right, left});
    BOOST_TEST(found.supported);
    BOOST_TEST(!found.found());
}

// covers 7296-2.23-h
BOOST_AUTO_TEST_CASE(each_side_of_a_nat_finds_out_on_which_side_it_is) {
    const auto request = nat_detection_notifies(spi_i, spi_r, {left, right});
    const auto at_right = detect_nat(request, spi_i, spi_r, {right, nat});
    BOOST_TEST(at_right.remote_behind_nat);
    BOOST_TEST(!at_right.local_behind_nat);
    const auto response = nat_detection_notifies(spi_i, spi_r, {right, nat});
    const auto at_left = detect_nat(response, spi_i, spi_r, {left, right});
    BOOST_TEST(at_left.local_behind_nat);
    BOOST_TEST(!at_left.remote_behind_nat);
}

BOOST_AUTO_TEST_CASE(one_source_that_matches_among_several_is_enough) {
    const auto sent = nat_detection_notifies(spi_i, spi_r, {left, right});
    std::vector<wire::NotifyPayload> notifies(sent.begin(), sent.end());
    notifies.insert(notifies.begin(), nat_detection_notifies(spi_i, spi_r, {nat, right})[0]);
    BOOST_TEST(!detect_nat(notifies, spi_i, spi_r, {right, left}).found());
}

BOOST_AUTO_TEST_CASE(a_peer_that_says_nothing_is_not_encapsulated) {
    const auto found = detect_nat({}, spi_i, spi_r, {right, nat});
    BOOST_TEST(!found.supported);
    BOOST_TEST(!found.found());
}

// covers 3947-7-a
BOOST_AUTO_TEST_CASE(a_peer_is_followed_only_by_who_is_before_its_nat_and_not_behind_one) {
    const policy::UdpPath before{{right.address, 4500}, {nat.address, 4500}};
    for (const bool peer_behind : {false, true})
        for (const bool we_behind : {false, true}) {
            IkeSaFacts facts{.path = before};
            facts.nat = {
                .supported = true, .local_behind_nat = we_behind, .remote_behind_nat = peer_behind};
            follow_peer(facts, {before.local, nat});
            BOOST_TEST((facts.path.remote == nat) == (peer_behind && !we_behind));
            BOOST_TEST((facts.path.local == before.local));
        }
    IkeSaFacts facts{.path = before};
    facts.nat = {.supported = true, .remote_behind_nat = true};
    // The mapping of a NAT before the peer is no reason for another address of ours.
    follow_peer(facts, {left, nat});
    BOOST_TEST((facts.path == before));
}

// covers 7296-2-b
BOOST_AUTO_TEST_CASE(the_marker_tells_ike_from_esp_on_the_shared_port_only) {
    const EndpointSettings settings;
    const std::vector<std::uint8_t> message{1, 2, 3, 4, 5};
    BOOST_TEST(ike_datagram(message, 500, settings) == message, boost::test_tools::per_element());
    const auto marked = ike_datagram(message, 4500, settings);
    BOOST_TEST(marked.size() == 9u);
    const auto back = ike_message(marked, 4500, settings);
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST(std::vector(back->begin(), back->end()) == message,
               boost::test_tools::per_element());
    BOOST_TEST(!ike_message(message, 4500, settings).has_value());
    BOOST_TEST(!ike_message(std::vector<std::uint8_t>(4), 4500, settings).has_value());
    BOOST_TEST(!ike_message({}, 4500, settings).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
