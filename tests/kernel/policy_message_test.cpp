#include "xfrm/policy_message.h"

#include "tests/crypto/vector_file.h"
#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"
#include "xfrm/list_message.h"

#include <boost/test/unit_test.hpp>
#include <netinet/in.h>
#include <ranges>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(policy_message)

using namespace viaduct;
using namespace viaduct::test;
using xfrm::PolicyDirection;

namespace {

const Vector& vector_named(const std::string& name) {
    static const std::vector<Vector> vectors =
        read_vectors("tests/vectors/kernel/iproute2_xfrm.txt");
    const auto found = std::ranges::find_if(
        vectors, [&](const Vector& vector) { return vector.text("case") == name; });
    BOOST_REQUIRE(found != vectors.end());
    return *found;
}

NetlinkParts sent_by_ip(const std::string& name, std::size_t fixed_size) {
    return take_apart(vector_named(name).octets("octets"), fixed_size);
}

xfrm::KernelPolicy policy_of(const policy::ChildSa& child, PolicyDirection direction) {
    const auto policies = xfrm::kernel_policies(child);
    BOOST_REQUIRE(policies);
    const auto found = std::ranges::find_if(*policies, [&](const xfrm::KernelPolicy& policy) {
        return policy.selector.direction == direction;
    });
    BOOST_REQUIRE(found != policies->end());
    return *found;
}

/// IPv6 in an IPv4 tunnel, TCP to our port 443, on an XFRM interface.
policy::ChildSa web_child() {
    policy::ChildSa child = gcm_child();
    child.if_id = 9;
    child.local_selectors = {selector("fd00:10::/64")};
    child.local_selectors[0].protocol = IPPROTO_TCP;
    child.local_selectors[0].start_port = child.local_selectors[0].end_port = 443;
    child.remote_selectors = {selector("fd00:20::/64")};
    return child;
}

} // namespace

BOOST_AUTO_TEST_CASE(policies_are_what_ip_sends) {
    const auto out = xfrm::put_policy(policy_of(gcm_child(), PolicyDirection::out));
    BOOST_TEST(take_apart(out.octets(), sizeof(xfrm_userpolicy_info)) ==
               sent_by_ip("policy out", sizeof(xfrm_userpolicy_info)));
    policy::ChildSa between_gateways = gcm_child();
    between_gateways.mode = policy::EspMode::transport;
    between_gateways.local_selectors = {selector("10.10.10.5/32")};
    between_gateways.remote_selectors = {selector("10.10.10.4/32")};
    const auto transport = xfrm::put_policy(policy_of(between_gateways, PolicyDirection::out));
    BOOST_TEST(take_apart(transport.octets(), sizeof(xfrm_userpolicy_info)) ==
               sent_by_ip("policy transport out", sizeof(xfrm_userpolicy_info)));
    auto in_hardware = policy_of(gcm_child(), PolicyDirection::out);
    in_hardware.offload_interface = 1;
    BOOST_TEST(take_apart(xfrm::put_policy(in_hardware).octets(), sizeof(xfrm_userpolicy_info)) ==
               sent_by_ip("policy offload out", sizeof(xfrm_userpolicy_info)));
    const auto forward = xfrm::put_policy(policy_of(web_child(), PolicyDirection::forward));
    BOOST_TEST(take_apart(forward.octets(), sizeof(xfrm_userpolicy_info)) ==
               sent_by_ip("policy fwd ipv6 in ipv4", sizeof(xfrm_userpolicy_info)));
}

BOOST_AUTO_TEST_CASE(policies_are_deleted_as_ip_does) {
    const auto in = xfrm::delete_policy(policy_of(gcm_child(), PolicyDirection::in).selector);
    BOOST_TEST(take_apart(in.octets(), sizeof(xfrm_userpolicy_id)) ==
               sent_by_ip("delete policy in", sizeof(xfrm_userpolicy_id)));
    const auto forward =
        xfrm::delete_policy(policy_of(web_child(), PolicyDirection::forward).selector);
    BOOST_TEST(take_apart(forward.octets(), sizeof(xfrm_userpolicy_id)) ==
               sent_by_ip("delete policy fwd ipv6", sizeof(xfrm_userpolicy_id)));
}

BOOST_AUTO_TEST_CASE(a_policy_is_described_in_the_words_of_ip) {
    BOOST_TEST(xfrm::describe_policy(policy_of(web_child(), PolicyDirection::in)) ==
               "ip xfrm policy update src fd00:20::/64 dst fd00:10::/64 proto 6 dport 443 dir in "
               "if_id 9 priority 183536 tmpl src 0.0.0.0 dst 10.10.10.5 proto esp reqid 7 mode "
               "tunnel");
}

BOOST_AUTO_TEST_CASE(a_policy_in_clear_has_no_template_and_is_known_as_ours) {
    const auto policies = xfrm::kernel_policies(neighbours_child()).value();
    std::size_t seen = 0;
    for (const auto& policy : policies) {
        const auto put = xfrm::put_policy(policy);
        const auto parts = take_apart(put.octets(), sizeof(xfrm_userpolicy_info));
        xfrm_userpolicy_info info{};
        std::memcpy(&info, parts.fixed.data(), sizeof(info));
        BOOST_TEST(xfrm::passes_neighbour_discovery(info) == policy.in_clear);
        if (policy.in_clear) {
            ++seen;
            BOOST_TEST(parts.attributes.empty());
            BOOST_TEST(info.action == XFRM_POLICY_ALLOW);
            BOOST_TEST(info.priority == xfrm::neighbour_discovery_priority);
            BOOST_TEST(info.flags == 0);
        }
    }
    BOOST_TEST(seen == 10);
    BOOST_TEST(xfrm::describe_policy(policies.front()) ==
               "ip xfrm policy update src fd00:ffff::4/128 dst fd00:ffff::5/128 dir in priority "
               "167232 tmpl src :: dst :: proto esp reqid 1442840583 mode transport");
    BOOST_TEST(xfrm::describe_policy(policies[1]) ==
               "ip xfrm policy update src fd00:ffff::4/128 dst fd00:ffff::5/128 proto 58 sport 133 "
               "dir in priority 87133");
}

BOOST_AUTO_TEST_CASE(what_is_passed_on_in_clear_is_one_octet) {
    const auto parts = [](xfrm::ForwardedInClear what) {
        return take_apart(xfrm::forwarding_default(what).octets(), sizeof(xfrm_userpolicy_default));
    };
    const auto dropped = parts(xfrm::ForwardedInClear::are_dropped);
    BOOST_TEST(dropped.type == XFRM_MSG_SETDEFAULT);
    BOOST_TEST((dropped.fixed ==
                Octets{XFRM_USERPOLICY_UNSPEC, XFRM_USERPOLICY_BLOCK, XFRM_USERPOLICY_UNSPEC}));
    BOOST_TEST((parts(xfrm::ForwardedInClear::pass).fixed ==
                Octets{XFRM_USERPOLICY_UNSPEC, XFRM_USERPOLICY_ACCEPT, XFRM_USERPOLICY_UNSPEC}));
    constexpr auto size = sizeof(xfrm_userpolicy_default);
    BOOST_TEST(dropped == sent_by_ip("forwarding blocked", size));
    BOOST_TEST(parts(xfrm::ForwardedInClear::pass) == sent_by_ip("forwarding accepted", size));
    // ip(8) waits for the answer, we for its acknowledgement too.
    auto asked = sent_by_ip("get default", size);
    asked.flags |= NLM_F_ACK;
    BOOST_TEST(take_apart(xfrm::get_forwarding_default().octets(), size) == asked);
}

BOOST_AUTO_TEST_CASE(what_is_passed_on_in_clear_is_read) {
    using enum xfrm::ForwardedInClear;
    const auto answer = [](std::uint16_t type, std::uint8_t forward) {
        netns::NetlinkMessage message("answer", type, 0);
        message.put_fixed(xfrm_userpolicy_default{
            .in = XFRM_USERPOLICY_ACCEPT, .fwd = forward, .out = XFRM_USERPOLICY_ACCEPT});
        return Octets(message.octets().begin(), message.octets().end());
    };
    const auto blocked = answer(XFRM_MSG_GETDEFAULT, XFRM_USERPOLICY_BLOCK);
    BOOST_TEST((xfrm::read_forwarding_default(blocked) == are_dropped));
    const auto passed = answer(XFRM_MSG_GETDEFAULT, XFRM_USERPOLICY_ACCEPT);
    BOOST_TEST((xfrm::read_forwarding_default(passed) == pass));
    BOOST_TEST(!xfrm::read_forwarding_default(answer(XFRM_MSG_NEWSA, XFRM_USERPOLICY_ACCEPT)));
    for (std::size_t size = 0; size < NLMSG_HDRLEN + sizeof(xfrm_userpolicy_default); ++size) {
        BOOST_TEST(!xfrm::read_forwarding_default(std::span(blocked).first(size)));
    }
}

// ip(8) lists states through a filter that lets all pass; a list without one is the same.
BOOST_AUTO_TEST_CASE(lists_are_asked_for_with_a_header_alone) {
    const auto policies = xfrm::list_policies();
    const Octets ours(policies.octets().begin(), policies.octets().end());
    BOOST_TEST(ours == vector_named("list policies").octets("octets"),
               boost::test_tools::per_element());
    auto states = ours;
    states[4] = XFRM_MSG_GETSA;
    BOOST_TEST(xfrm::list_states().octets() == states, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
