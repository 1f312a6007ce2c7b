// What the kernel lists is compared with what it was told and has confirmed.
#include "xfrm/kernel_comparison.h"

#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"
#include "xfrm/policy_message.h"
#include "xfrm/state_copy.h"
#include "xfrm/state_message.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstddef>
#include <linux/xfrm.h>

using namespace viaduct;
using namespace viaduct::test;
using Kind = xfrm::KernelDifference::Kind;

namespace {

policy::ChildSa our_child() {
    policy::ChildSa child = gcm_child();
    child.reqid = policy::reqid_mark | 7;
    return child;
}

netns::NetlinkMessage state_of(const policy::ChildSa& child) {
    return xfrm::new_state(child, xfrm::Direction::outbound).value();
}

xfrm::KernelPolicy first_policy(const policy::ChildSa& child) {
    return xfrm::kernel_policies(child).value().front();
}

const netns::NetlinkAnswer confirmed{};
netns::NetlinkAnswer refused(int code) {
    return std::unexpected(netns::SystemError{code, "test", {}});
}

/// As the kernel lists what this request put there.
Octets listed(const netns::NetlinkMessage& request) {
    Octets octets(request.octets().begin(), request.octets().end());
    nlmsghdr head{};
    std::memcpy(&head, octets.data(), sizeof(head));
    if (head.nlmsg_type == XFRM_MSG_UPDPOLICY) {
        head.nlmsg_type = XFRM_MSG_NEWPOLICY;
    }
    std::memcpy(octets.data(), &head, sizeof(head));
    return octets;
}

/// The kernel with a state and a policy of ours, as recorded.
struct Fixture {
    Fixture() {
        record.on_answer(state_of(child), confirmed);
        record.on_answer(xfrm::put_policy(first_policy(child)), confirmed);
    }
    std::vector<xfrm::KernelDifference> differences(const std::vector<Octets>& listing) {
        xfrm::ListingCheck check(record, ++passes);
        for (const auto& message : listing) {
            check.take(message);
        }
        return check.finish();
    }
    Octets listed_state() const { return listed(state_of(child)); }
    Octets listed_policy() const { return listed(xfrm::put_policy(first_policy(child))); }

    policy::ChildSa child = our_child();
    xfrm::KernelRecord record;
    std::uint64_t passes = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(kernel_comparison, Fixture)

BOOST_AUTO_TEST_CASE(what_is_as_it_was_put_there_does_not_differ) {
    BOOST_TEST(differences({listed_policy(), listed_state()}).empty());
    // Nor in a later pass.
    BOOST_TEST(differences({listed_state(), listed_policy()}).empty());
}

BOOST_AUTO_TEST_CASE(what_is_not_listed_is_missing) {
    const auto both = differences({});
    BOOST_REQUIRE(both.size() == 2u);
    BOOST_TEST((both[0].kind == Kind::state_missing));
    BOOST_TEST(both[0].name == "10.10.10.5 -> 10.10.10.4 spi 0xc0000001");
    BOOST_TEST(!both[0].remedy.has_value());
    BOOST_TEST((both[1].kind == Kind::policy_missing));
    BOOST_TEST(both[1].name == "in 192.168.20.0/24 -> 192.168.10.0/24");
    BOOST_REQUIRE(both[1].remedy.has_value());
    const auto put = xfrm::put_policy(first_policy(child));
    BOOST_TEST(both[1].remedy->octets() == put.octets(), boost::test_tools::per_element());
    // Also where it was there in the pass before.
    differences({listed_state(), listed_policy()});
    BOOST_TEST(differences({listed_state()}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_state_with_other_keys_ports_or_window_is_another) {
    const auto found = [&](const policy::ChildSa& other) {
        const auto all = differences({listed(state_of(other)), listed_policy()});
        return all.size() == 1 && all[0].kind == Kind::state_changed && !all[0].remedy;
    };
    auto other = child;
    other.outbound_keys.encryption = counting(66, other.suite.encryption_key_length());
    BOOST_TEST(found(other));
    other = child;
    other.encapsulation = policy::UdpEncapsulation{};
    BOOST_TEST(found(other));
    other = child;
    other.if_id = 9;
    BOOST_TEST(found(other));
    other = child;
    other.reqid = 99; // no longer ours, in the place of ours
    BOOST_TEST(found(other));
}

BOOST_AUTO_TEST_CASE(lifetimes_and_the_window_as_far_as_it_has_come_are_no_difference) {
    auto octets = listed_state();
    xfrm_usersa_info info{};
    std::memcpy(&info, octets.data() + NLMSG_HDRLEN, sizeof(info));
    info.curlft.bytes = 1000;
    info.curlft.use_time = 1;
    info.stats.replay = 3;
    std::memcpy(octets.data() + NLMSG_HDRLEN, &info, sizeof(info));
    BOOST_TEST(differences({octets, listed_policy()}).empty());
}

BOOST_AUTO_TEST_CASE(a_policy_that_leads_elsewhere_is_put_right) {
    auto other = child;
    other.reqid = 99;
    auto policy = first_policy(other);
    const auto changed = differences({listed_state(), listed(xfrm::put_policy(policy))});
    BOOST_REQUIRE(changed.size() == 1u);
    BOOST_TEST((changed[0].kind == Kind::policy_changed));
    BOOST_TEST(changed[0].remedy.has_value());
}

BOOST_AUTO_TEST_CASE(what_carries_our_reqid_and_is_unknown_is_left_over) {
    auto stranger = child;
    stranger.outbound_spi = policy::ChildSpi{0xc0000099};
    stranger.remote_selectors = {selector("192.168.99.0/24")};
    const auto left = differences({listed_state(), listed_policy(), listed(state_of(stranger)),
                                   listed(xfrm::put_policy(first_policy(stranger)))});
    BOOST_REQUIRE(left.size() == 2u);
    BOOST_TEST((left[0].kind == Kind::state_left_over && left[1].kind == Kind::policy_left_over));
    const auto deletion = xfrm::delete_state(stranger, xfrm::Direction::outbound);
    BOOST_REQUIRE(left[0].remedy.has_value());
    BOOST_TEST(left[0].remedy->octets() == deletion.octets(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_somebody_elses_is_never_touched) {
    auto stranger = child;
    stranger.reqid = 7;
    stranger.outbound_spi = policy::ChildSpi{0xc0000099};
    stranger.remote_selectors = {selector("192.168.99.0/24")};
    BOOST_TEST(differences({listed_state(), listed_policy(), listed(state_of(stranger)),
                            listed(xfrm::put_policy(first_policy(stranger)))})
                   .empty());
}

BOOST_AUTO_TEST_CASE(a_state_that_waits_for_its_spi_is_not_left_over) {
    auto waiting = child;
    waiting.outbound_spi = policy::ChildSpi{0};
    BOOST_TEST(differences({listed_state(), listed_policy(), listed(state_of(waiting))}).empty());
}

BOOST_AUTO_TEST_CASE(only_what_the_kernel_confirmed_is_recorded) {
    auto other = child;
    other.outbound_spi = policy::ChildSpi{0xc0000055};
    record.on_answer(state_of(other), refused(EEXIST));
    BOOST_TEST(record.states().size() == 1u);
    record.on_answer(xfrm::delete_state(child, xfrm::Direction::outbound), refused(EPERM));
    BOOST_TEST(record.states().size() == 1u);
    record.on_answer(xfrm::delete_state(child, xfrm::Direction::outbound), refused(ESRCH));
    BOOST_TEST(record.states().empty());
    record.on_answer(xfrm::delete_policy(first_policy(child).selector), confirmed);
    BOOST_TEST(record.policies().empty());
    BOOST_TEST(differences({}).empty());
}

BOOST_AUTO_TEST_CASE(a_policy_with_an_interface_is_another_than_the_one_without) {
    auto routed = child;
    routed.if_id = 5;
    record.on_answer(xfrm::put_policy(first_policy(routed)), confirmed);
    BOOST_TEST(record.policies().size() == 2u);
    record.on_answer(xfrm::delete_policy(first_policy(routed).selector), confirmed);
    BOOST_TEST(record.policies().size() == 1u);
    BOOST_TEST(differences({listed_state(), listed_policy()}).empty());
}

// A message may be cut off anywhere.
BOOST_AUTO_TEST_CASE(truncated_messages_are_not_read) {
    for (const auto& whole : {listed_state(), listed_policy()}) {
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            BOOST_TEST(!xfrm::read_state_message(cut));
            BOOST_TEST(!xfrm::read_policy_message(cut));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
