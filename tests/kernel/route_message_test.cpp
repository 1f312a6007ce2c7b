// Against rtnetlink's layout (linux/rtnetlink.h), written out by hand; x86-64, so little-endian.
#include "netns/route_message.h"

#include "netns/namespace_message.h"
#include "tests/crypto/vector_file.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

BOOST_AUTO_TEST_SUITE(route_message)

using namespace viaduct;
using namespace viaduct::test;

namespace {

Octets octets_of(const netns::NetlinkMessage& message) {
    return {message.octets().begin(), message.octets().end()};
}

// An answer: header, rtmsg, RTA_OIF 3, RTA_METRICS { RTAX_ADVMSS 1360, RTAX_MTU 1400 }.
const Octets route_answer{
    0x3c, 0,  0,  0, 24,   0, 0, 0, 1, 0, 0, 0, 2,    0, 0, 0, // nlmsghdr
    2,    32, 0,  0, 254,  0, 0, 1, 0, 2, 0, 0,                // rtmsg
    8,    0,  4,  0, 3,    0, 0, 0,                            // RTA_OIF
    20,   0,  8,  0,                                           // RTA_METRICS
    8,    0,  8,  0, 0x50, 5, 0, 0, 8, 0, 2, 0, 0x78, 5, 0, 0, // RTAX_ADVMSS, RTAX_MTU
    4,    0,  13, 0,                                           // something else
};

} // namespace

BOOST_AUTO_TEST_CASE(a_route_is_asked_for_by_both_ends) {
    const auto remote = policy::IpAddress::v4(10, 10, 10, 4);
    const auto local = policy::IpAddress::v4(10, 10, 10, 5);
    const Octets expected{
        44, 0,  0,  0, 26, 0,  5,  0, 0, 0, 0, 0, 0, 0, 0, 0, // RTM_GETROUTE, REQUEST | ACK
        2,  32, 32, 0, 0,  0,  0,  0, 0, 0, 0, 0,             // AF_INET, both lengths
        8,  0,  1,  0, 10, 10, 10, 4,                         // RTA_DST
        8,  0,  2,  0, 10, 10, 10, 5,                         // RTA_SRC
    };
    BOOST_TEST(octets_of(netns::get_route(remote, local)) == expected,
               boost::test_tools::per_element());
    const auto far = policy::IpAddress::parse("fd00::4").value();
    const auto parts = take_apart(octets_of(netns::get_route(far, std::nullopt)), sizeof(rtmsg));
    BOOST_TEST(parts.fixed[0] == AF_INET6);
    BOOST_TEST(parts.fixed[1] == 128);
    BOOST_TEST(parts.fixed[2] == 0);
    BOOST_TEST(parts.attributes.size() == 1u);
}

// ip(8) sends its sequence of requests without asking for an acknowledgement of each, and wants to
// know the table.
BOOST_AUTO_TEST_CASE(questions_about_routes_and_numbers_are_those_of_ip) {
    const auto check = [](const char* name, const netns::NetlinkMessage& ours) {
        static const auto vectors = read_vectors("tests/vectors/kernel/iproute2_route.txt");
        const auto found = std::ranges::find_if(
            vectors, [&](const Vector& vector) { return vector.text("case") == name; });
        BOOST_REQUIRE(found != vectors.end());
        auto expected = found->octets("octets");
        expected[6] |= NLM_F_ACK;
        if (expected[4] == RTM_GETROUTE) {
            const std::uint32_t none = 0;
            std::memcpy(expected.data() + NLMSG_HDRLEN + offsetof(rtmsg, rtm_flags), &none,
                        sizeof(none));
        }
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(octets_of(ours) == expected, boost::test_tools::per_element());
        }
    };
    const auto remote = policy::IpAddress::v4(10, 10, 10, 4);
    check("route from", netns::get_route(remote, policy::IpAddress::v4(10, 10, 10, 5)));
    check("route", netns::get_route(remote, std::nullopt));
    check("route from ipv6", netns::get_route(policy::IpAddress::parse("fd00:ffff::4").value(),
                                              policy::IpAddress::parse("fd00:ffff::5").value()));
    check("give number", netns::give_number(5, 1234));
    check("ask for number", netns::ask_for_number(6));
}

BOOST_AUTO_TEST_CASE(an_interface_is_asked_for_by_its_number) {
    const Octets expected{
        32, 0, 0, 0, 18, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, // RTM_GETLINK, REQUEST | ACK
        0,  0, 0, 0, 3,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // ifinfomsg
    };
    BOOST_TEST(octets_of(netns::get_link(3)) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_route_tells_its_interface_and_what_it_knows_of_the_path) {
    auto answer = route_answer;
    answer[0] = static_cast<std::uint8_t>(answer.size());
    BOOST_TEST((netns::read_route(answer) == netns::Route{3, 1400}));
    for (std::size_t length = 0; length < answer.size(); ++length) {
        const Octets cut(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(length));
        BOOST_TEST(!netns::read_route(cut));
    }
    answer[4] = RTM_DELROUTE;
    BOOST_TEST(!netns::read_route(answer));
}

BOOST_AUTO_TEST_CASE(attributes_of_a_wrong_length_count_as_nothing) {
    auto answer = route_answer;
    answer[0] = static_cast<std::uint8_t>(answer.size());
    answer[28] = 6; // RTA_OIF with two octets
    BOOST_TEST((netns::read_route(answer) == netns::Route{0, 1400}));
}

BOOST_AUTO_TEST_CASE(an_interface_tells_its_mtu) {
    const Octets answer{
        40, 0, 0, 0, 16,   0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, // RTM_NEWLINK
        0,  0, 1, 0, 3,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // ifinfomsg
        8,  0, 4, 0, 0xdc, 5, 0, 0,                         // IFLA_MTU 1500
    };
    BOOST_TEST(netns::read_link_mtu(answer).value() == 1500u);
    BOOST_TEST(!netns::read_link_mtu(route_answer));
    const Octets cut(answer.begin(), answer.end() - 1);
    BOOST_TEST(!netns::read_link_mtu(cut));
}

BOOST_AUTO_TEST_SUITE_END()
