#include "xfrm/security_policies.h"

#include "tests/kernel/fixed_child.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(security_policies)

using namespace viaduct;
using namespace viaduct::test;
using policy::ChildSaId;
using xfrm::DeletePolicy;
using xfrm::PolicyChange;
using xfrm::PutPolicy;

namespace {

std::vector<xfrm::KernelPolicy> policies_to(const policy::IpAddress& peer) {
    policy::ChildSa child = gcm_child();
    child.remote_address = peer;
    return xfrm::kernel_policies(child).value();
}

std::vector<PolicyChange> puts(const std::vector<xfrm::KernelPolicy>& policies) {
    std::vector<PolicyChange> changes;
    for (const auto& policy : policies) {
        changes.emplace_back(PutPolicy{policy});
    }
    return changes;
}

std::vector<PolicyChange> deletes(const std::vector<xfrm::KernelPolicy>& policies) {
    std::vector<PolicyChange> changes;
    for (const auto& policy : policies) {
        changes.emplace_back(DeletePolicy{policy.selector});
    }
    return changes;
}

/// Those that name the peer's address.
std::vector<xfrm::KernelPolicy> leaving(std::vector<xfrm::KernelPolicy> policies) {
    std::erase_if(policies, [](const auto& policy) {
        return policy.selector.direction != xfrm::PolicyDirection::out;
    });
    return policies;
}

const auto first = policies_to(policy::IpAddress::v4(10, 10, 10, 4));
const auto moved = policies_to(policy::IpAddress::v4(10, 10, 10, 44));

} // namespace

BOOST_AUTO_TEST_CASE(a_lone_child_brings_its_policies_and_takes_them_away) {
    xfrm::SecurityPolicies table;
    BOOST_TEST((table.add(ChildSaId{1}, first) == puts(first)));
    BOOST_TEST((table.drop(ChildSaId{1}) == deletes(first)));
}

BOOST_AUTO_TEST_CASE(a_child_that_replaces_another_touches_nothing_they_share) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    BOOST_TEST(table.add(ChildSaId{2}, first).empty());
    BOOST_TEST(table.drop(ChildSaId{1}).empty());
    BOOST_TEST((table.drop(ChildSaId{2}) == deletes(first)));
}

BOOST_AUTO_TEST_CASE(the_newest_child_decides_where_the_packets_go) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    BOOST_TEST((table.add(ChildSaId{2}, moved) == puts(leaving(moved))));
    BOOST_TEST(table.drop(ChildSaId{1}).empty());
    BOOST_TEST((table.drop(ChildSaId{2}) == deletes(first)));
}

BOOST_AUTO_TEST_CASE(when_the_newest_child_goes_the_one_before_decides_again) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    table.add(ChildSaId{2}, moved);
    BOOST_TEST((table.drop(ChildSaId{2}) == puts(leaving(first))));
}

BOOST_AUTO_TEST_CASE(a_stranger_has_nothing_to_drop) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    BOOST_TEST(table.drop(ChildSaId{3}).empty());
}

BOOST_AUTO_TEST_CASE(a_child_that_moves_takes_its_policies_along) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    const auto local = policy::IpAddress::v4(10, 10, 10, 5);
    const auto peer = policy::IpAddress::v4(10, 10, 10, 44);
    BOOST_TEST((table.move(ChildSaId{1}, local, peer, 0) == puts(leaving(moved))));
    BOOST_TEST(table.move(ChildSaId{1}, local, peer, 0).empty());
    BOOST_TEST(table.add(ChildSaId{2}, moved).empty());
}

BOOST_AUTO_TEST_CASE(an_older_child_that_moves_leaves_the_policies_to_the_newer) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    table.add(ChildSaId{2}, first);
    BOOST_TEST(table
                   .move(ChildSaId{1}, policy::IpAddress::v4(10, 10, 10, 5),
                         policy::IpAddress::v4(10, 10, 10, 44), 0)
                   .empty());
    BOOST_TEST(!table.drop(ChildSaId{2}).empty());
}

BOOST_AUTO_TEST_CASE(a_trap_gives_way_to_a_child_in_place_and_takes_over_again) {
    xfrm::SecurityPolicies table;
    const ChildSaId trap{1000};
    auto caught = first;
    for (auto& policy : caught) {
        policy.reqid = 99;
    }
    BOOST_TEST((table.add_beneath(trap, caught) == puts(caught)));
    BOOST_TEST((table.add(ChildSaId{1}, first) == puts(first)));
    BOOST_TEST((table.without(ChildSaId{1}, first.front().selector) ==
                PolicyChange(PutPolicy{caught.front()})));
    BOOST_TEST((table.drop(ChildSaId{1}) == puts(caught)));
    BOOST_TEST((table.drop(trap) == deletes(caught)));
}

BOOST_AUTO_TEST_CASE(a_trap_that_comes_while_a_child_is_there_changes_nothing) {
    xfrm::SecurityPolicies table;
    const ChildSaId trap{1000};
    auto caught = first;
    for (auto& policy : caught) {
        policy.reqid = 99;
    }
    table.add(ChildSaId{1}, first);
    BOOST_TEST(table.add_beneath(trap, caught).empty());
    BOOST_TEST((table.drop(ChildSaId{1}) == puts(caught)));
}

BOOST_AUTO_TEST_CASE(of_two_traps_with_one_selector_the_earlier_decides) {
    xfrm::SecurityPolicies table;
    auto caught = first;
    for (auto& policy : caught) {
        policy.reqid = 99;
    }
    table.add_beneath(ChildSaId{1000}, first);
    BOOST_TEST(table.add_beneath(ChildSaId{1001}, caught).empty());
    BOOST_TEST((table.drop(ChildSaId{1000}) == puts(caught)));
}

BOOST_AUTO_TEST_CASE(what_stands_without_a_child_is_its_predecessors_or_nothing) {
    xfrm::SecurityPolicies table;
    table.add(ChildSaId{1}, first);
    const auto& selector = first.front().selector;
    BOOST_TEST((table.without(ChildSaId{1}, selector) == PolicyChange(DeletePolicy{selector})));
    table.add(ChildSaId{2}, moved);
    BOOST_TEST((table.without(ChildSaId{2}, selector) == PolicyChange(PutPolicy{first.front()})));
}

BOOST_AUTO_TEST_SUITE_END()
