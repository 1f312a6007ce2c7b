// One socket hears what happens in every namespace that has a number.
#include "netns/event_socket.h"

#include "tests/netns/made_namespace.h"

#include <boost/test/unit_test.hpp>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

BOOST_AUTO_TEST_SUITE(event_socket,
                      *boost::unit_test::precondition(viaduct::test::namespaces_can_be_made))

using namespace viaduct;
using namespace viaduct::test;

namespace {

constexpr std::array<unsigned, 1> addresses{RTNLGRP_IPV4_IFADDR};

struct Heard {
    netns::NamespaceNumber place;
    std::uint16_t type;
};

/// Everything that is there, or comes within a second when nothing is.
std::vector<Heard> hear(netns::EventSocket& socket) {
    std::vector<Heard> heard;
    pollfd readable{socket.descriptor(), POLLIN, 0};
    ::poll(&readable, 1, 1000);
    const auto outcome = socket.receive(64, [&](auto place, auto message) {
        heard.push_back({place, reinterpret_cast<const nlmsghdr*>(message.data())->nlmsg_type});
    });
    BOOST_REQUIRE(outcome.has_value());
    BOOST_CHECK(*outcome == netns::EventSocket::Outcome::drained);
    return heard;
}

bool contains(const std::vector<Heard>& heard, netns::NamespaceNumber place, std::uint16_t type) {
    return std::ranges::any_of(
        heard, [&](const Heard& one) { return one.place == place && one.type == type; });
}

struct Sockets {
    netns::NamespaceNumbers numbers = netns::NamespaceNumbers::open().value();
    netns::EventSocket events = netns::EventSocket::open(NETLINK_ROUTE, addresses).value();
};

} // namespace

BOOST_AUTO_TEST_CASE(one_socket_tells_the_events_of_two_namespaces_apart) {
    Sockets sockets;
    const MadeNamespace first;
    const MadeNamespace second;
    const auto first_number = sockets.numbers.number_of(first.open()).value();
    const auto second_number = sockets.numbers.number_of(second.open()).value();
    BOOST_CHECK_NE(first_number, second_number);

    first.run("ip addr add 192.0.2.1/32 dev lo");
    auto heard = hear(sockets.events);
    BOOST_CHECK(contains(heard, first_number, RTM_NEWADDR));
    BOOST_CHECK(!contains(heard, second_number, RTM_NEWADDR));

    second.run("ip addr add 192.0.2.1/32 dev lo; ip addr del 192.0.2.1/32 dev lo");
    heard = hear(sockets.events);
    BOOST_CHECK(contains(heard, second_number, RTM_NEWADDR));
    BOOST_CHECK(contains(heard, second_number, RTM_DELADDR));
    BOOST_CHECK(!contains(heard, first_number, RTM_NEWADDR));
}

BOOST_AUTO_TEST_CASE(a_namespace_without_a_number_is_not_heard) {
    Sockets sockets;
    const MadeNamespace known;
    const MadeNamespace stranger;
    const auto number = sockets.numbers.number_of(known.open()).value();
    stranger.run("ip addr add 192.0.2.1/32 dev lo");
    known.run("ip addr add 192.0.2.2/32 dev lo");
    const auto heard = hear(sockets.events);
    BOOST_REQUIRE_EQUAL(heard.size(), 1);
    BOOST_CHECK(contains(heard, number, RTM_NEWADDR));
}

BOOST_AUTO_TEST_CASE(a_namespace_keeps_its_number_and_a_successor_gets_another) {
    Sockets sockets;
    MadeNamespace place;
    const auto number = sockets.numbers.number_of(place.open()).value();
    BOOST_CHECK_EQUAL(sockets.numbers.number_of(place.open()).value(), number);
    // Also for somebody else who asks.
    BOOST_CHECK_EQUAL(netns::NamespaceNumbers::open()->number_of(place.open()).value(), number);
    place = MadeNamespace();
    BOOST_CHECK_NE(sockets.numbers.number_of(place.open()).value(), number);
}

BOOST_AUTO_TEST_CASE(the_process_s_own_namespace_needs_no_number) {
    Sockets sockets;
    const auto own = netns::NetworkNamespace::open("").value();
    BOOST_CHECK_EQUAL(sockets.numbers.number_of(own).value(), netns::own_namespace);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_reported_as_lost) {
    Sockets sockets;
    const int little = 1;
    BOOST_REQUIRE_EQUAL(
        ::setsockopt(sockets.events.descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)),
        0);
    const MadeNamespace place;
    BOOST_REQUIRE(sockets.numbers.number_of(place.open()).has_value());
    place.run("for i in $(seq 50); do echo addr add 192.0.2.$i/32 dev lo; done | ip -batch -");
    bool lost = false;
    for (int turn = 0; turn < 100 && !lost; ++turn) {
        lost = *sockets.events.receive(64, [](auto, auto) {}) == netns::EventSocket::Outcome::lost;
    }
    BOOST_CHECK(lost);
}

BOOST_AUTO_TEST_SUITE_END()
