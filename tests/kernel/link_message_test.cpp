// Interfaces, addresses and routes as bytes: no privileges needed.
#include "netns/link_message.h"

#include "netns/tunnel_interfaces.h"
#include "tests/crypto/vector_file.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

BOOST_AUTO_TEST_SUITE(link_message)

using namespace viaduct;
using namespace viaduct::netns;
using test::NetlinkParts;
using test::Octets;

namespace {

const ListedLink tunnel{
    .index = 7, .name = "vti-a", .mtu = 1438, .up = true, .if_id = 1, .alias = {}};

NetlinkParts parts(const NetlinkMessage& message, std::size_t fixed_size) {
    return test::take_apart(message.octets(), fixed_size);
}

template <class Fixed> Fixed fixed_of(const NetlinkMessage& message) {
    Fixed result{};
    std::memcpy(&result, parts(message, sizeof(Fixed)).fixed.data(), sizeof(result));
    return result;
}

Octets attribute(const NetlinkParts& parts, std::uint16_t type) {
    const auto found = parts.attributes.find(type);
    BOOST_REQUIRE(found != parts.attributes.end());
    return found->second;
}

Octets text(const char* value) {
    return {value, value + std::strlen(value) + 1};
}

policy::InterfaceAddress address(const char* value) {
    return policy::InterfaceAddress::parse(value).value();
}

policy::Subnet subnet(const char* value) {
    return policy::Subnet::parse(value).value();
}

NetlinkParts sent_by_ip(const std::string& name, std::size_t fixed_size,
                        std::uint16_t ignored = 0) {
    static const auto vectors = test::read_vectors("tests/vectors/kernel/iproute2_link.txt");
    const auto found = std::ranges::find_if(
        vectors, [&](const test::Vector& vector) { return vector.text("case") == name; });
    BOOST_REQUIRE(found != vectors.end());
    return test::take_apart(found->octets("octets"), fixed_size, ignored);
}

/// As the kernel lists what add_tunnel_interface() asks for.
Octets listed(const NetlinkMessage& message) {
    Octets octets(message.octets().begin(), message.octets().end());
    ifinfomsg fixed{};
    fixed.ifi_index = 7;
    fixed.ifi_flags = IFF_UP;
    std::memcpy(octets.data() + NLMSG_HDRLEN, &fixed, sizeof(fixed));
    return octets;
}

} // namespace

BOOST_AUTO_TEST_CASE(interfaces_are_what_ip_sends) {
    auto link = tunnel;
    link.index = 5;
    constexpr auto size = sizeof(ifinfomsg);
    BOOST_TEST(parts(add_tunnel_interface("vti-a", 0x56000007, 1438), size) ==
               sent_by_ip("add link", size));
    // ip(8) leaves the NUL behind the alias out, which the kernel takes with and without.
    BOOST_TEST(test::take_apart(set_tunnel_interface(link, 1400).octets(), size, IFLA_IFALIAS) ==
               sent_by_ip("set link", size, IFLA_IFALIAS));
    BOOST_TEST(parts(bring_up(link), size) == sent_by_ip("bring up", size));
    BOOST_TEST(parts(delete_link(link), size) == sent_by_ip("delete link", size));
}

BOOST_AUTO_TEST_CASE(addresses_are_what_ip_sends) {
    auto link = tunnel;
    link.index = 5;
    constexpr auto size = sizeof(ifaddrmsg);
    const auto ipv4 = address("169.254.10.1/30");
    const auto ipv6 = address("fd00::1/64");
    BOOST_TEST(parts(add_address(link, ipv4), size) == sent_by_ip("add address", size));
    BOOST_TEST(parts(add_address(link, ipv6), size) == sent_by_ip("add address ipv6", size));
    BOOST_TEST(parts(delete_address(link, ipv4), size) == sent_by_ip("delete address", size));
    BOOST_TEST(parts(delete_address(link, ipv6), size) == sent_by_ip("delete address ipv6", size));
}

BOOST_AUTO_TEST_CASE(routes_are_what_ip_sends) {
    auto link = tunnel;
    link.index = 5;
    // Of IPv6 the kernel does not look at the scope, and of what is deleted ip(8) leaves the type
    // open.
    const auto sent = [](const std::string& name) {
        auto seen = sent_by_ip(name, sizeof(rtmsg));
        seen.fixed.at(offsetof(rtmsg, rtm_scope)) = RT_SCOPE_LINK;
        seen.fixed.at(offsetof(rtmsg, rtm_type)) = RTN_UNICAST;
        return seen;
    };
    const auto ipv4 = subnet("192.168.20.0/24");
    const auto ipv6 = subnet("fd00:2::/64");
    BOOST_TEST(parts(add_route(link, ipv4), sizeof(rtmsg)) == sent("add route"));
    BOOST_TEST(parts(add_route(link, ipv6), sizeof(rtmsg)) == sent("add route ipv6"));
    BOOST_TEST(parts(delete_route(link, ipv4), sizeof(rtmsg)) == sent("delete route"));
    BOOST_TEST(parts(delete_route(link, ipv6), sizeof(rtmsg)) == sent("delete route ipv6"));
}

BOOST_AUTO_TEST_CASE(an_interface_is_looked_for_by_its_name) {
    const Octets expected{
        44, 0, 0, 0, 18,  0,   5,   0,   0,   0, 0, 0, 0, 0, 0, 0, // RTM_GETLINK, REQUEST | ACK
        0,  0, 0, 0, 0,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, // ifinfomsg
        10, 0, 3, 0, 'v', 't', 'i', '-', 'a', 0, 0, 0,             // IFLA_IFNAME
    };
    const auto message = find_link("vti-a");
    BOOST_TEST(Octets(message.octets().begin(), message.octets().end()) == expected,
               boost::test_tools::per_element());
    const auto all = list_links();
    BOOST_TEST(parts(all, sizeof(ifinfomsg)).flags == (NLM_F_REQUEST | NLM_F_DUMP));
    BOOST_TEST(parts(all, sizeof(ifinfomsg)).fixed == Octets(sizeof(ifinfomsg), 0),
               boost::test_tools::per_element());
    BOOST_TEST(parts(all, sizeof(ifinfomsg)).attributes.empty());
}

BOOST_AUTO_TEST_CASE(an_xfrm_interface_is_asked_for_with_its_id) {
    const auto message = add_tunnel_interface("vti-a", 0x56000007, 1438);
    const auto seen = parts(message, sizeof(ifinfomsg));
    BOOST_TEST(seen.type == RTM_NEWLINK);
    BOOST_TEST(seen.flags == (NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL));
    BOOST_TEST(attribute(seen, IFLA_IFNAME) == text("vti-a"), boost::test_tools::per_element());
    BOOST_TEST((attribute(seen, IFLA_MTU) == Octets{0x9e, 0x05, 0, 0}));
    // IFLA_INFO_KIND "xfrm", IFLA_INFO_DATA { IFLA_XFRM_IF_ID }.
    const Octets info{8, 0, 1, 0, 'x', 'f', 'r', 'm', 12, 0, 2, 0, 8, 0, 2, 0, 7, 0, 0, 0x56};
    BOOST_TEST(attribute(seen, IFLA_LINKINFO) == info, boost::test_tools::per_element());
    BOOST_TEST(seen.attributes.size() == 3U);
}

BOOST_AUTO_TEST_CASE(it_is_brought_up_without_a_link_local_address) {
    const auto up = fixed_of<ifinfomsg>(bring_up(tunnel));
    BOOST_TEST(up.ifi_index == 7);
    BOOST_TEST(up.ifi_flags == unsigned{IFF_UP});
    BOOST_TEST(up.ifi_change == unsigned{IFF_UP});
    const auto message = set_tunnel_interface(tunnel, 1400);
    const auto seen = parts(message, sizeof(ifinfomsg));
    const auto fixed = fixed_of<ifinfomsg>(message);
    BOOST_TEST(fixed.ifi_index == 7);
    BOOST_TEST(fixed.ifi_change == 0U);
    BOOST_TEST(seen.flags == (NLM_F_REQUEST | NLM_F_ACK));
    BOOST_TEST((attribute(seen, IFLA_MTU) == Octets{0x78, 0x05, 0, 0}));
    // AF_INET6 { IFLA_INET6_ADDR_GEN_MODE 1 }.
    const Octets modes{12, 0, 10, 0, 5, 0, 8, 0, 1, 0, 0, 0};
    BOOST_TEST(attribute(seen, IFLA_AF_SPEC) == modes, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_interface_too_narrow_for_ipv6_is_told_nothing_of_it) {
    const auto spoken_of = [](std::uint32_t mtu) {
        const auto request = netns::set_tunnel_interface(tunnel, mtu);
        return parts(request, sizeof(ifinfomsg)).attributes.contains(IFLA_AF_SPEC);
    };
    BOOST_TEST(spoken_of(1280));
    BOOST_TEST(!spoken_of(1279));
}

BOOST_AUTO_TEST_CASE(addresses_of_both_families_are_added_and_deleted) {
    const auto message = add_address(tunnel, address("169.254.10.1/30"));
    const auto seen = parts(message, sizeof(ifaddrmsg));
    const auto fixed = fixed_of<ifaddrmsg>(message);
    BOOST_TEST(seen.type == RTM_NEWADDR);
    BOOST_TEST(seen.flags == (NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL));
    BOOST_TEST(int{fixed.ifa_family} == AF_INET);
    BOOST_TEST(int{fixed.ifa_prefixlen} == 30);
    BOOST_TEST(fixed.ifa_index == 7U);
    BOOST_TEST((attribute(seen, IFA_LOCAL) == Octets{169, 254, 10, 1}));
    BOOST_TEST((attribute(seen, IFA_ADDRESS) == Octets{169, 254, 10, 1}));
    const auto deletion = delete_address(tunnel, address("fd00::1/64"));
    BOOST_TEST(parts(deletion, sizeof(ifaddrmsg)).type == RTM_DELADDR);
    BOOST_TEST(int{fixed_of<ifaddrmsg>(deletion).ifa_family} == AF_INET6);
    BOOST_TEST(attribute(parts(deletion, sizeof(ifaddrmsg)), IFA_LOCAL).size() == 16U);
}

BOOST_AUTO_TEST_CASE(routes_carry_our_number) {
    const auto message = add_route(tunnel, subnet("192.168.20.0/24"));
    const auto seen = parts(message, sizeof(rtmsg));
    const auto fixed = fixed_of<rtmsg>(message);
    BOOST_TEST(seen.type == RTM_NEWROUTE);
    BOOST_TEST(seen.flags == (NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL));
    BOOST_TEST(int{fixed.rtm_dst_len} == 24);
    BOOST_TEST(int{fixed.rtm_protocol} == our_route_protocol);
    BOOST_TEST(int{fixed.rtm_table} == RT_TABLE_MAIN);
    BOOST_TEST(int{fixed.rtm_type} == RTN_UNICAST);
    BOOST_TEST((attribute(seen, RTA_DST) == Octets{192, 168, 20, 0}));
    BOOST_TEST((attribute(seen, RTA_OIF) == Octets{7, 0, 0, 0}));
    BOOST_TEST(parts(delete_route(tunnel, subnet("::/0")), sizeof(rtmsg)).type == RTM_DELROUTE);
}

BOOST_AUTO_TEST_CASE(a_listed_xfrm_interface_is_known_by_its_id) {
    const auto message = add_tunnel_interface("vti-a", 0x56000007, 1438);
    const auto read = read_link(listed(message));
    BOOST_REQUIRE(read);
    BOOST_TEST(read->index == 7);
    BOOST_TEST(read->name == "vti-a");
    BOOST_TEST(read->mtu == 1438U);
    BOOST_TEST(read->up);
    BOOST_TEST((read->if_id == 0x56000007U));
}

BOOST_AUTO_TEST_CASE(an_interface_of_another_kind_has_no_id) {
    auto octets = listed(add_tunnel_interface("vti-a", 0x56000007, 1438));
    const auto kind = std::ranges::search(octets, std::string_view("xfrm")).begin();
    BOOST_REQUIRE(kind != octets.end());
    *kind = 'y';
    const auto read = read_link(octets);
    BOOST_REQUIRE(read);
    BOOST_TEST(!read->if_id);
}

BOOST_AUTO_TEST_CASE(a_listed_interface_cut_short_is_nothing_or_less) {
    const auto whole = listed(add_tunnel_interface("vti-a", 0x56000007, 1438));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        BOOST_TEST(!read_link(std::span(whole).first(size)));
        Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        if (size >= sizeof(nlmsghdr)) {
            const auto length = static_cast<std::uint32_t>(size);
            std::memcpy(cut.data(), &length, sizeof(length));
            const auto read = read_link(cut);
            BOOST_TEST(!(read && read->if_id));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_change_adds_before_it_deletes_and_touches_nothing_else) {
    policy::WantedInterface before{.name = "vti-a",
                                   .if_id = 1,
                                   .mtu = 1400,
                                   .addresses = {address("10.0.0.1/30"), address("10.0.1.1/30")},
                                   .routes = {subnet("10.1.0.0/16"), subnet("10.2.0.0/16")},
                                   .connections = {}};
    BOOST_TEST(interface_changes(tunnel, before, before).empty());
    auto after = before;
    after.mtu = 1380;
    after.addresses = {address("10.0.1.1/30"), address("10.0.2.1/30")};
    after.routes = {subnet("10.2.0.0/16"), subnet("10.3.0.0/16")};
    std::vector<std::string> done;
    auto there = before;
    for (const auto& change : interface_changes(tunnel, before, after)) {
        done.push_back(change.request.description());
        change.done(there);
    }
    BOOST_TEST((there == after));
    const std::vector<std::string> wanted{
        "NEWLINK vti-a mtu 1380", "NEWADDR 10.0.2.1/30 dev vti-a", "NEWROUTE 10.3.0.0/16 dev vti-a",
        "DELROUTE 10.1.0.0/16 dev vti-a", "DELADDR 10.0.0.1/30 dev vti-a"};
    BOOST_TEST(done == wanted, boost::test_tools::per_element());
    // A new one is brought up, before there is anything in it and behind its settings.
    before = {.name = "vti-a", .if_id = 1, .addresses = {}, .routes = {}, .connections = {}};
    const auto fresh = interface_changes(tunnel, before, after);
    BOOST_REQUIRE(fresh.size() == 6U);
    BOOST_TEST(fresh[0].request.description() == "NEWLINK vti-a mtu 1380");
    BOOST_TEST(fresh[1].request.description() == "NEWLINK vti-a up");
}

BOOST_AUTO_TEST_CASE(what_the_kernel_refused_is_asked_for_again_and_nothing_else) {
    const policy::WantedInterface before{.name = "vti-a",
                                         .if_id = 1,
                                         .mtu = 1400,
                                         .addresses = {},
                                         .routes = {subnet("10.1.0.0/16")},
                                         .connections = {}};
    auto after = before;
    after.addresses = {address("10.0.2.1/30")};
    after.routes = {subnet("10.2.0.0/16"), subnet("10.3.0.0/16")};
    auto there = before;
    for (const auto& change : interface_changes(tunnel, before, after))
        if (!change.request.description().contains("10.2.0.0"))
            change.done(there);
    const auto again = interface_changes(tunnel, there, after);
    BOOST_REQUIRE(again.size() == 1U);
    BOOST_TEST(again[0].request.description() == "NEWROUTE 10.2.0.0/16 dev vti-a");
    // A route that is there already may be somebody else's, an address is on this interface.
    BOOST_TEST(again[0].already == 0);
    BOOST_TEST(interface_changes(tunnel, before, after)[0].already == EEXIST);
    BOOST_TEST(interface_changes(tunnel, after, before)[1].already == ESRCH);
}

BOOST_AUTO_TEST_SUITE_END()
