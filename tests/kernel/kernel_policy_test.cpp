#include "xfrm/kernel_policy.h"

#include "tests/kernel/fixed_child.h"

#include <algorithm>

#include <boost/test/unit_test.hpp>
#include <netinet/in.h>
#include <ranges>

BOOST_AUTO_TEST_SUITE(kernel_policy)

using namespace viaduct;
using namespace viaduct::test;
using xfrm::PolicyDirection;
using xfrm::PortMask;

namespace {

policy::TrafficSelector with_ports(const char* subnet, std::uint8_t protocol, std::uint16_t first,
                                   std::uint16_t last) {
    policy::TrafficSelector result = selector(subnet);
    result.protocol = protocol;
    result.start_port = first;
    result.end_port = last;
    return result;
}

policy::ChildSa child_between(const policy::TrafficSelector& local,
                              const policy::TrafficSelector& remote) {
    policy::ChildSa child = gcm_child();
    child.local_selectors = {local};
    child.remote_selectors = {remote};
    return child;
}

xfrm::PolicySelector only(const policy::ChildSa& child, PolicyDirection direction) {
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    std::vector<xfrm::PolicySelector> found;
    for (const auto& policy : *policies) {
        if (policy.selector.direction == direction) {
            found.push_back(policy.selector);
        }
    }
    BOOST_REQUIRE_EQUAL(found.size(), 1);
    return found.front();
}

std::string reason_for_refusal(const policy::ChildSa& child) {
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(!policies);
    return policies.error().kernel_message;
}

const auto anywhere = selector("192.168.20.0/24");

} // namespace

BOOST_AUTO_TEST_CASE(whatever_arrives_is_expected_before_anything_leaves) {
    policy::ChildSa child = gcm_child();
    child.local_selectors = {selector("192.168.11.0/24"), selector("192.168.12.0/24")};
    child.remote_selectors = {selector("192.168.30.0/24"), selector("10.0.0.0/8")};
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    BOOST_TEST(std::ranges::is_partitioned(*policies, [](const auto& policy) {
        return policy.selector.direction != PolicyDirection::out;
    }));
    BOOST_TEST((policies->back().selector.direction == PolicyDirection::out));
}

BOOST_AUTO_TEST_CASE(every_pair_of_selectors_of_one_family_has_three_policies) {
    policy::ChildSa child = gcm_child();
    child.local_selectors = {selector("192.168.11.0/24"), selector("fd00:11::/64")};
    child.remote_selectors = {selector("192.168.30.0/24"), selector("192.168.40.0/24"),
                              selector("fd00:30::/64")};
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    BOOST_TEST(policies->size() == 9);
    for (const auto& policy : *policies) {
        const bool out = policy.selector.direction == PolicyDirection::out;
        BOOST_TEST((policy.tunnel_source ==
                    (out ? child.local_address
                         : policy::IpAddress::unspecified(policy::AddressFamily::ipv4))));
        BOOST_TEST(
            (policy.tunnel_destination == (out ? child.remote_address : child.local_address)));
        BOOST_TEST(policy.reqid == 7);
    }
}

BOOST_AUTO_TEST_CASE(a_range_becomes_the_subnets_that_cover_it) {
    policy::ChildSa child = gcm_child();
    child.remote_selectors[0].start_address = policy::IpAddress::v4(192, 168, 20, 0);
    child.remote_selectors[0].end_address = policy::IpAddress::v4(192, 168, 20, 9);
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    std::vector<std::string> destinations;
    for (const auto& policy : *policies) {
        if (policy.selector.direction == PolicyDirection::out) {
            destinations.push_back(policy.selector.destination.to_string());
        }
    }
    const std::vector<std::string> expected{"192.168.20.0/29", "192.168.20.8/31"};
    BOOST_TEST(destinations == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_selector_that_comes_twice_counts_once) {
    policy::ChildSa child = gcm_child();
    child.local_selectors.push_back(child.local_selectors.front());
    BOOST_TEST(xfrm::kernel_policies(child)->size() == 3);
}

BOOST_AUTO_TEST_CASE(a_port_stays_with_its_side) {
    const auto child =
        child_between(with_ports("192.168.10.0/24", IPPROTO_TCP, 443, 443), anywhere);
    const auto out = only(child, PolicyDirection::out);
    BOOST_TEST(out.protocol == IPPROTO_TCP);
    BOOST_TEST((out.source_port == PortMask{443, 0xffff}));
    BOOST_TEST((out.destination_port == PortMask{}));
    const auto in = only(child, PolicyDirection::in);
    BOOST_TEST((in.source_port == PortMask{}));
    BOOST_TEST((in.destination_port == PortMask{443, 0xffff}));
}

BOOST_AUTO_TEST_CASE(a_block_of_ports_becomes_a_mask) {
    const auto out =
        only(child_between(with_ports("192.168.10.0/24", IPPROTO_UDP, 1024, 2047), anywhere),
             PolicyDirection::out);
    BOOST_TEST((out.source_port == PortMask{1024, 0xfc00}));
}

/// The ports that some policy of a direction takes, seen from our side.
std::vector<bool> taken_ports(const policy::ChildSa& child) {
    std::vector<bool> taken(65536, false);
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    for (const auto& each : *policies) {
        if (each.selector.direction != PolicyDirection::out) {
            continue;
        }
        for (unsigned port = 0; port < 65536; ++port) {
            if (((port ^ each.selector.source_port.value) & each.selector.source_port.mask) == 0) {
                BOOST_REQUIRE_MESSAGE(!taken[port], port << " is in two blocks");
                taken[port] = true;
            }
        }
    }
    return taken;
}

BOOST_AUTO_TEST_CASE(a_range_of_ports_becomes_the_fewest_blocks_that_make_it_up) {
    struct Row {
        std::uint16_t first, last;
        std::size_t blocks;
    };
    for (const auto& [first, last, blocks] :
         {Row{1000, 2000, 8}, Row{1, 2, 2}, Row{1, 65534, 30}, Row{1, 65535, 16}, Row{80, 80, 1},
          Row{0, 1023, 1}, Row{1024, 65535, 6}, Row{65535, 65535, 1}}) {
        BOOST_TEST_CONTEXT(first << "-" << last) {
            const auto child =
                child_between(with_ports("192.168.10.0/24", IPPROTO_TCP, first, last), anywhere);
            BOOST_TEST(xfrm::kernel_policies(child)->size() == 3 * blocks);
            const auto taken = taken_ports(child);
            for (unsigned port = 0; port < 65536; ++port) {
                BOOST_REQUIRE_EQUAL(taken[port], port >= first && port <= last);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(ranges_on_both_sides_meet_in_every_pair_of_blocks) {
    const auto child = child_between(with_ports("192.168.10.0/24", IPPROTO_UDP, 1, 2),
                                     with_ports("192.168.20.0/24", IPPROTO_UDP, 5, 7));
    BOOST_TEST(xfrm::kernel_policies(child)->size() == 3 * 2 * 2);
}

BOOST_AUTO_TEST_CASE(ranges_with_too_many_blocks_are_refused) {
    auto child = child_between(with_ports("192.168.10.0/24", IPPROTO_UDP, 1, 65534),
                               with_ports("192.168.20.0/24", IPPROTO_UDP, 1, 65534));
    BOOST_TEST(xfrm::kernel_policies(child)->size() == 3 * 30 * 30);
    for (int more = 0; more < 2; ++more) {
        child.local_selectors.push_back(
            with_ports(more == 0 ? "10.0.0.0/8" : "172.16.0.0/12", IPPROTO_UDP, 1, 65534));
    }
    BOOST_TEST(reason_for_refusal(child) == "the child needs more than 6144 kernel policies");
}

BOOST_AUTO_TEST_CASE(ports_that_no_policy_can_say_are_refused_with_the_reason) {
    BOOST_TEST(reason_for_refusal(
                   child_between(with_ports("192.168.10.0/24", IPPROTO_TCP, 65535, 0), anywhere)) ==
               "OPAQUE ports cannot be a kernel policy");
    BOOST_TEST(
        reason_for_refusal(child_between(with_ports("192.168.10.0/24", 0, 443, 443), anywhere)) ==
        "ports without a protocol cannot be a kernel policy");
}

BOOST_AUTO_TEST_CASE(a_range_of_icmp_types_becomes_blocks_of_types_and_codes) {
    // Destination unreachable with codes 0 to 2, then all of types 4 to 7.
    const auto policies = xfrm::kernel_policies(
        child_between(with_ports("192.168.10.0/24", IPPROTO_ICMP, 0x0300, 0x0302), anywhere));
    BOOST_REQUIRE(policies);
    BOOST_TEST(policies->size() == 3 * 2);
    BOOST_TEST((policies->front().selector.source_port == PortMask{3, 0xffff}));
    BOOST_TEST((policies->front().selector.destination_port == PortMask{0, 0xfffe}));
    const auto types =
        only(child_between(with_ports("192.168.10.0/24", IPPROTO_ICMP, 0x0400, 0x07ff), anywhere),
             PolicyDirection::out);
    BOOST_TEST((types.source_port == PortMask{4, 0xfffc}));
    BOOST_TEST((types.destination_port == PortMask{}));
}

BOOST_AUTO_TEST_CASE(in_transport_mode_policies_take_the_packets_own_addresses) {
    policy::ChildSa child = gcm_child();
    child.mode = policy::EspMode::transport;
    child.local_selectors = {selector("10.10.10.5/32")};
    child.remote_selectors = {selector("10.10.10.4/32")};
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    // Nothing is passed on.
    BOOST_TEST(policies->size() == 2);
    for (const auto& policy : *policies) {
        BOOST_TEST((policy.selector.direction != PolicyDirection::forward));
        BOOST_TEST((policy.mode == policy::EspMode::transport));
        BOOST_TEST(policy.tunnel_source.is_unspecified());
        BOOST_TEST(policy.tunnel_destination.is_unspecified());
    }
}

BOOST_AUTO_TEST_CASE(icmp_type_and_code_lie_alike_in_both_directions) {
    // Echo request, any code.
    const auto child =
        child_between(with_ports("192.168.10.0/24", IPPROTO_ICMP, 0x0800, 0x08ff), anywhere);
    for (const auto direction :
         {PolicyDirection::in, PolicyDirection::out, PolicyDirection::forward}) {
        const auto found = only(child, direction);
        BOOST_TEST((found.source_port == PortMask{8, 0xffff}));
        BOOST_TEST((found.destination_port == PortMask{}));
    }
    const auto unreachable =
        only(child_between(anywhere, with_ports("192.168.10.0/24", IPPROTO_ICMP, 0x0304, 0x0304)),
             PolicyDirection::out);
    BOOST_TEST((unreachable.source_port == PortMask{3, 0xffff}));
    BOOST_TEST((unreachable.destination_port == PortMask{4, 0xffff}));
}

BOOST_AUTO_TEST_CASE(protocols_that_never_meet_need_no_policy) {
    const auto child = child_between(with_ports("192.168.10.0/24", IPPROTO_TCP, 0, 65535),
                                     with_ports("192.168.20.0/24", IPPROTO_UDP, 0, 65535));
    BOOST_TEST(xfrm::kernel_policies(child)->empty());
}

BOOST_AUTO_TEST_CASE(a_child_that_needs_too_many_policies_is_refused) {
    policy::ChildSa child = gcm_child();
    policy::TrafficSelector wide = selector("0.0.0.0/0");
    wide.start_address = policy::IpAddress::v4(0, 0, 0, 1);
    wide.end_address = policy::IpAddress::v4(255, 255, 255, 254);
    child.local_selectors = child.remote_selectors = {wide};
    BOOST_TEST(reason_for_refusal(child) == "the child needs more than 6144 kernel policies");
}

BOOST_AUTO_TEST_CASE(the_more_specific_selector_wins) {
    const auto priority = [](const policy::TrafficSelector& local) {
        return xfrm::policy_priority(only(child_between(local, anywhere), PolicyDirection::out));
    };
    const auto wide = priority(selector("0.0.0.0/0"));
    const auto subnet = priority(selector("192.168.10.0/24"));
    const auto tcp = priority(with_ports("192.168.10.0/24", IPPROTO_TCP, 0, 65535));
    const auto block = priority(with_ports("192.168.10.0/24", IPPROTO_TCP, 1024, 2047));
    const auto port = priority(with_ports("192.168.10.0/24", IPPROTO_TCP, 1024, 1024));
    const auto host = priority(selector("192.168.10.10/32"));
    BOOST_TEST(wide > subnet);
    BOOST_TEST(subnet > tcp);
    BOOST_TEST(tcp > block);
    BOOST_TEST(block > port);
    BOOST_TEST(port > host);
}

std::size_t count_in_clear(const policy::ChildSa& child) {
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    return static_cast<std::size_t>(
        std::ranges::count_if(*policies, [](const auto& each) { return each.in_clear; }));
}

BOOST_AUTO_TEST_CASE(neighbours_on_a_link_find_each_other_in_clear) {
    const auto policies = xfrm::kernel_policies(neighbours_child()).value();
    std::vector<std::string> found;
    for (const auto& [type, direction] : std::views::cartesian_product(
             std::views::iota(133, 138), std::vector{PolicyDirection::in, PolicyDirection::out})) {
        const bool out = direction == PolicyDirection::out;
        const auto ours = policy::Subnet::parse("fd00:ffff::5/128").value();
        const auto theirs = policy::Subnet::parse("fd00:ffff::4/128").value();
        const xfrm::KernelPolicy wanted{
            .selector = {direction, out ? ours : theirs, out ? theirs : ours, IPPROTO_ICMPV6,
                         PortMask{static_cast<std::uint16_t>(type), 0xffff}, PortMask{}},
            .in_clear = true};
        BOOST_TEST(std::ranges::contains(policies, wanted));
    }
    BOOST_TEST(count_in_clear(neighbours_child()) == 10);
    BOOST_TEST(policies.size() == 12); // in and out themselves
    for (const auto& policy : policies) {
        BOOST_TEST((policy.in_clear ||
                    xfrm::policy_priority(policy.selector) > xfrm::neighbour_discovery_priority));
    }
}

BOOST_AUTO_TEST_CASE(neighbour_discovery_passes_where_a_child_would_catch_it_and_nowhere_else) {
    auto child = neighbours_child();
    child.mode = policy::EspMode::tunnel;
    child.local_selectors = child.remote_selectors = {selector("::/0")};
    // From the gateway's address, from one of the link and from none.
    BOOST_TEST(count_in_clear(child) == 20);
    child.if_id = 5;
    BOOST_TEST(count_in_clear(child) == 0);

    child = neighbours_child();
    child.remote_address = policy::IpAddress::unspecified(policy::AddressFamily::ipv6);
    BOOST_TEST(count_in_clear(child) == 10);

    child = neighbours_child();
    child.remote_selectors = {selector("fd00:20::/64")};
    BOOST_TEST(count_in_clear(child) == 0);
    child = neighbours_child();
    child.remote_selectors[0].protocol = IPPROTO_TCP;
    BOOST_TEST(count_in_clear(child) == 0);
    child.remote_selectors[0].protocol = IPPROTO_ICMPV6;
    BOOST_TEST(count_in_clear(child) == 10);

    child = gcm_child();
    child.local_selectors = {selector("10.10.10.5/32")};
    child.remote_selectors = {selector("10.10.10.4/32")};
    BOOST_TEST(count_in_clear(child) == 0);
}

BOOST_AUTO_TEST_CASE(what_a_gateway_passes_on_is_no_neighbour_discovery) {
    auto child = neighbours_child();
    child.mode = policy::EspMode::tunnel;
    child.local_selectors = {selector("fd00:ffff::/64")};
    child.remote_selectors = {selector("::/0")};
    BOOST_TEST(count_in_clear(child) == 10);
    const auto gateway = policy::Subnet::parse("fd00:ffff::5/128").value();
    const auto policies = xfrm::kernel_policies(child).value();
    for (const auto& each : policies) {
        if (each.in_clear && each.selector.direction == PolicyDirection::out) {
            BOOST_TEST((each.selector.source == gateway));
        }
    }
}

BOOST_AUTO_TEST_CASE(whoever_names_neighbour_discovery_gets_it_encrypted) {
    auto child = neighbours_child();
    auto& named = child.local_selectors.emplace_back(child.local_selectors.front());
    named.protocol = IPPROTO_ICMPV6;
    named.start_port = 135 << 8;
    named.end_port = (135 << 8) + 255;
    BOOST_TEST(count_in_clear(child) == 8);
}

BOOST_AUTO_TEST_SUITE_END()
