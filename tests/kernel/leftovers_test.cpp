// What the kernel lists of ours is deleted; what it lists of others is not.
#include "xfrm/leftovers.h"

#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"
#include "xfrm/policy_message.h"
#include "xfrm/state_message.h"

#include <boost/test/unit_test.hpp>
#include <cstddef>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(leftovers)

using namespace viaduct;
using namespace viaduct::test;

namespace {

constexpr std::uint32_t our_reqid = policy::reqid_mark | 7;

policy::ChildSa child(std::uint32_t reqid) {
    policy::ChildSa result = gcm_child();
    result.reqid = reqid;
    return result;
}

/// NEWSA is the kernel's word for a listed state, too.
Octets listed_state(const policy::ChildSa& child) {
    const auto message = xfrm::new_state(child, xfrm::Direction::outbound).value();
    return {message.octets().begin(), message.octets().end()};
}

/// A listed policy is what puts it there under another type.
Octets listed_policy(const xfrm::KernelPolicy& policy) {
    const auto message = xfrm::put_policy(policy);
    Octets octets(message.octets().begin(), message.octets().end());
    const std::uint16_t type = XFRM_MSG_NEWPOLICY;
    std::memcpy(octets.data() + offsetof(nlmsghdr, nlmsg_type), &type, sizeof(type));
    return octets;
}

xfrm::KernelPolicy first_policy(std::uint32_t reqid, std::uint32_t if_id) {
    policy::ChildSa from = child(reqid);
    from.if_id = if_id;
    return xfrm::kernel_policies(from).value().front();
}

void require_same(const std::optional<netns::NetlinkMessage>& deletion,
                  const netns::NetlinkMessage& wanted) {
    BOOST_REQUIRE(deletion);
    BOOST_TEST(deletion->octets() == wanted.octets(), boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(our_state_is_deleted) {
    require_same(xfrm::deletion_of(listed_state(child(our_reqid))),
                 xfrm::delete_state(child(our_reqid), xfrm::Direction::outbound));
}

BOOST_AUTO_TEST_CASE(our_policy_is_deleted) {
    for (const std::uint32_t if_id : {0U, 5U}) {
        const auto policy = first_policy(our_reqid, if_id);
        require_same(xfrm::deletion_of(listed_policy(policy)),
                     xfrm::delete_policy(policy.selector));
    }
}

BOOST_AUTO_TEST_CASE(what_let_neighbour_discovery_pass_is_deleted) {
    std::size_t deleted = 0;
    const auto policies = xfrm::kernel_policies(neighbours_child()).value();
    for (const auto& policy : policies) {
        require_same(xfrm::deletion_of(listed_policy(policy)),
                     xfrm::delete_policy(policy.selector));
        ++deleted;
    }
    BOOST_TEST(deleted == 12);
}

BOOST_AUTO_TEST_CASE(what_others_let_pass_stays) {
    const auto policies = xfrm::kernel_policies(neighbours_child()).value();
    for (const auto& policy : policies) {
        if (!policy.in_clear) {
            continue;
        }
        const auto listed = listed_policy(policy);
        const auto with = [&](auto change) {
            Octets other = listed;
            xfrm_userpolicy_info info{};
            std::memcpy(&info, other.data() + NLMSG_HDRLEN, sizeof(info));
            change(info);
            std::memcpy(other.data() + NLMSG_HDRLEN, &info, sizeof(info));
            return xfrm::deletion_of(other);
        };
        BOOST_TEST(!with([](auto& info) { info.priority = 0; }));
        BOOST_TEST(!with([](auto& info) { info.action = XFRM_POLICY_BLOCK; }));
        BOOST_TEST(!with([](auto& info) { info.sel.proto = 0; }));
        BOOST_TEST(!with([](auto& info) { info.sel.sport = 128 << 8; }));
        BOOST_TEST(!with([](auto& info) { info.sel.sport_mask = 0; }));
    }
}

BOOST_AUTO_TEST_CASE(what_others_put_there_stays) {
    for (const std::uint32_t reqid : {0U, 7U, 0x00560000U, 0x55ffffffU, 0x57000000U}) {
        BOOST_TEST(!xfrm::deletion_of(listed_state(child(reqid))));
        BOOST_TEST(!xfrm::deletion_of(listed_policy(first_policy(reqid, 0))));
    }
}

BOOST_AUTO_TEST_CASE(a_message_cut_short_is_nothing) {
    for (const Octets& whole :
         {listed_state(child(our_reqid)), listed_policy(first_policy(our_reqid, 0))}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            BOOST_TEST(!xfrm::deletion_of(std::span(whole).first(size)));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
