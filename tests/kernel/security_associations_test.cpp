// Child SAs over a kernel that refuses any request at any position: what was there stays, and the
// cause is told.
#include "xfrm/security_associations.h"

#include "policy/trap.h"
#include "tests/kernel/fake_xfrm.h"
#include "tests/kernel/fixed_child.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <netinet/in.h>
#include <set>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(security_associations)

using namespace viaduct;
using namespace viaduct::test;
using policy::ChildSaId;
using xfrm::KernelFailure;
using xfrm::SecurityAssociations;

namespace {

using Result = std::expected<void, KernelFailure>;

policy::ChildSa numbered(std::uint64_t id) {
    policy::ChildSa child = gcm_child();
    child.reqid = policy::reqid_mark | 7;
    child.id = ChildSaId{id};
    child.inbound_spi = policy::ChildSpi{static_cast<std::uint32_t>(0xc0000000 + 2 * id)};
    child.outbound_spi = policy::ChildSpi{static_cast<std::uint32_t>(0xc0000001 + 2 * id)};
    child.local_selectors.push_back(selector("192.168.11.0/24"));
    return child;
}

const policy::UdpPath elsewhere{{policy::IpAddress::v4(10, 10, 10, 5), 500},
                                {policy::IpAddress::v4(10, 10, 10, 44), 500}};

/// A step of a story that may be refused, on a kernel where child 1 is installed.
struct Step {
    const char* name;
    std::function<Result(SecurityAssociations&)> run;
    /// What goes before and is not refused.
    std::function<void(SecurityAssociations&)> before = [](SecurityAssociations&) {};
    /// Of a refused outbound half its inbound half goes too.
    bool leaves_nothing = false;
};

const std::vector<Step> steps{
    {"install a successor", [](auto& all) { return all.install(numbered(2)); }},
    {"install an unrelated child",
     [](auto& all) {
         auto child = numbered(3);
         child.remote_selectors = {selector("192.168.77.0/24")};
         return all.install(child);
     }},
    {"install what takes the policies elsewhere",
     [](auto& all) {
         auto child = numbered(4);
         child.remote_address = elsewhere.remote.address;
         return all.install(child);
     }},
    {"install the inbound half", [](auto& all) { return all.install_inbound(numbered(5)); }},
    {"install the outbound half", [](auto& all) { return all.install_outbound(numbered(6)); },
     [](auto& all) { BOOST_REQUIRE(all.install_inbound(numbered(6))); }, true},
    {"move to another peer address",
     [](auto& all) { return all.move(ChildSaId{1}, elsewhere, std::nullopt); }},
    {"move into UDP",
     [](auto& all) {
         return all.move(ChildSaId{1}, elsewhere, policy::UdpEncapsulation{4500, 61000});
     }},
};

struct Kernel {
    Kernel() { BOOST_REQUIRE(all.install(numbered(1))); }

    FakeXfrm fake;
    SecurityAssociations all{fake.socket()};
};

/// Its keys and windows may be told anew; what is compared is what is there.
std::vector<Octets> names(const std::map<Octets, Octets>& entries) {
    std::vector<Octets> result;
    for (const auto& [name, value] : entries) {
        result.push_back(name);
    }
    return result;
}

/// What the kernel holds, compared with what it ought to hold.
std::vector<xfrm::KernelDifference> differences(SecurityAssociations& all, const FakeXfrm& fake) {
    auto check = all.check_listing();
    for (const auto& [name, state] : fake.states) {
        check.take(state);
    }
    for (auto [name, policy] : fake.policies) {
        const std::uint16_t listed = XFRM_MSG_NEWPOLICY;
        std::memcpy(policy.data() + offsetof(nlmsghdr, nlmsg_type), &listed, sizeof(listed));
        check.take(policy);
    }
    return check.finish();
}

void refuse_each_request_of(const Step& step, int error, bool done) {
    for (std::uint64_t position = 1;; ++position) {
        Kernel kernel;
        const FakeXfrm untouched = kernel.fake;
        step.before(kernel.all);
        const FakeXfrm before = step.leaves_nothing ? untouched : kernel.fake;
        kernel.fake.refused_request = kernel.fake.requests + position;
        kernel.fake.error = error;
        kernel.fake.done_all_the_same = done;
        const Result result = step.run(kernel.all);
        if (kernel.fake.requests < kernel.fake.refused_request || result) {
            BOOST_TEST(result.has_value());
            BOOST_TEST(position > 1u, step.name);
            return;
        }
        BOOST_TEST_CONTEXT(step.name << ", request " << position << " refused") {
            BOOST_TEST(result.error().error.code == error);
            BOOST_TEST(!result.error().request.empty());
            BOOST_TEST((names(kernel.fake.states) == names(before.states)));
            BOOST_TEST((kernel.fake.policies == before.policies));
            BOOST_TEST(differences(kernel.all, kernel.fake).empty());
            // Nothing is remembered that is not there: the same works now, and all goes away.
            kernel.fake.refused_request = 0;
            step.before(kernel.all);
            BOOST_TEST(step.run(kernel.all).has_value());
            kernel.all.remove_all();
            BOOST_TEST(kernel.fake.states.empty());
            BOOST_TEST(kernel.fake.policies.empty());
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_child_is_one_batch) {
    FakeXfrm fake;
    SecurityAssociations all(fake.socket());
    BOOST_REQUIRE(all.install(numbered(1)));
    BOOST_TEST(fake.batches == 1u);
    BOOST_TEST(fake.states.size() == 2u);
    // In, out and forward for two pairs of subnets.
    BOOST_TEST(fake.policies.size() == 6u);
    BOOST_REQUIRE(all.remove(ChildSaId{1}));
    BOOST_TEST(fake.batches == 2u);
    BOOST_TEST((fake.states.empty() && fake.policies.empty()));
}

BOOST_AUTO_TEST_CASE(children_that_share_selectors_never_remove_each_others_policies) {
    Kernel kernel;
    const auto policies = kernel.fake.policies;
    BOOST_REQUIRE(kernel.all.install_inbound(numbered(2)));
    BOOST_REQUIRE(kernel.all.install_outbound(numbered(2)));
    BOOST_REQUIRE(kernel.all.remove_outbound(ChildSaId{1}));
    BOOST_TEST((kernel.fake.policies == policies));
    BOOST_REQUIRE(kernel.all.remove(ChildSaId{1}));
    BOOST_TEST((kernel.fake.policies == policies));
    BOOST_REQUIRE(kernel.all.remove(ChildSaId{2}));
    BOOST_TEST(kernel.fake.policies.empty());
}

BOOST_AUTO_TEST_CASE(a_request_that_is_refused_changes_nothing_whichever_it_is) {
    for (const Step& step : steps) {
        refuse_each_request_of(step, ENOMEM, false);
    }
}

BOOST_AUTO_TEST_CASE(a_request_whose_acknowledgement_is_lost_is_taken_back) {
    for (const Step& step : steps) {
        refuse_each_request_of(step, ENOBUFS, true);
        refuse_each_request_of(step, ETIMEDOUT, true);
    }
}

/// Of the states that are there, those that ask for an interface's hardware.
std::size_t offloaded(const FakeXfrm& fake) {
    return static_cast<std::size_t>(std::ranges::count_if(fake.states, [](const auto& entry) {
        return take_apart(entry.second, sizeof(xfrm_usersa_info))
            .attributes.contains(XFRMA_OFFLOAD_DEV);
    }));
}

/// Empty where none was refused.
std::string refusal_of(SecurityAssociations& all) {
    const auto refusal = all.take_offload_refusal();
    if (refusal) {
        BOOST_TEST(refusal->interface_index == 3U);
    }
    return refusal ? refusal->reason : std::string();
}

BOOST_AUTO_TEST_CASE(hardware_is_asked_where_the_child_wants_it) {
    FakeXfrm fake;
    SecurityAssociations all(fake.socket(), {}, [](const auto& local, const auto& remote) {
        BOOST_TEST((local == gcm_child().local_address && remote == gcm_child().remote_address));
        return 3U;
    });
    auto child = numbered(1);
    BOOST_REQUIRE(all.install(child));
    BOOST_TEST(offloaded(fake) == 0u);
    child = numbered(2);
    child.offload = policy::HardwareOffload::crypto;
    BOOST_REQUIRE(all.install(child));
    BOOST_TEST(offloaded(fake) == 2u);
    BOOST_TEST(!all.take_offload_refusal());
}

BOOST_AUTO_TEST_CASE(what_hardware_refuses_the_kernel_does_and_the_cause_is_told) {
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::packet;
    for (std::uint64_t refused = 1; refused <= 8; ++refused) {
        FakeXfrm fake;
        SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto&) { return 3U; });
        fake.refused_request = refused;
        fake.error = EOPNOTSUPP;
        BOOST_REQUIRE(all.install(child));
        BOOST_TEST(fake.states.size() == 2u);
        BOOST_TEST(fake.policies.size() == 6u);
        BOOST_TEST(offloaded(fake) == 0u);
        BOOST_TEST(refusal_of(all).contains("Operation not supported"));
        BOOST_TEST(!all.take_offload_refusal());
        BOOST_REQUIRE(all.remove(ChildSaId{1}));
        BOOST_TEST((fake.states.empty() && fake.policies.empty()));
    }
}

BOOST_AUTO_TEST_CASE(the_halves_of_a_child_fall_back_by_themselves) {
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::crypto;
    FakeXfrm fake;
    SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto&) { return 3U; });
    BOOST_REQUIRE(all.install_inbound(child));
    fake.refused_request = fake.requests + 1;
    fake.error = EINVAL;
    BOOST_REQUIRE(all.install_outbound(child));
    BOOST_TEST(offloaded(fake) == 1u);
    BOOST_TEST(fake.policies.size() == 6u);
    BOOST_TEST(all.take_offload_refusal().has_value());
    BOOST_REQUIRE(all.remove(ChildSaId{1}));
    BOOST_TEST((fake.states.empty() && fake.policies.empty()));
}

BOOST_AUTO_TEST_CASE(a_device_that_says_nothing_is_found_out) {
    FakeXfrm fake;
    fake.unknown_attributes = {XFRMA_OFFLOAD_DEV};
    SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto&) { return 3U; });
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::crypto;
    BOOST_REQUIRE(all.install(child));
    BOOST_TEST(refusal_of(all) == "the interface has no hardware for ESP");
}

/// The interface of a state or policy that asks for its hardware; 0: none.
template <class Fixed> std::set<int> interfaces_in(const std::map<Octets, Octets>& entries) {
    std::set<int> found;
    for (const auto& [name, value] : entries) {
        const auto parts = take_apart(value, sizeof(Fixed));
        const auto entry = parts.attributes.find(XFRMA_OFFLOAD_DEV);
        xfrm_user_offload offload{};
        if (entry != parts.attributes.end()) {
            std::memcpy(&offload, entry->second.data(), sizeof(offload));
        }
        found.insert(offload.ifindex);
    }
    return found;
}

BOOST_AUTO_TEST_CASE(a_child_that_moves_is_offloaded_to_the_interface_of_its_new_way) {
    FakeXfrm fake;
    SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto& remote) {
        return remote == elsewhere.remote.address ? 3U : 2U;
    });
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::packet;
    BOOST_REQUIRE(all.install(child));
    BOOST_TEST((interfaces_in<xfrm_usersa_info>(fake.states) == std::set{2}));
    BOOST_REQUIRE(all.move(ChildSaId{1}, elsewhere, std::nullopt));
    BOOST_TEST((interfaces_in<xfrm_usersa_info>(fake.states) == std::set{3}));
    // None of forwarded packets.
    BOOST_TEST((interfaces_in<xfrm_userpolicy_info>(fake.policies) == std::set{0, 3}));
    BOOST_TEST(refusal_of(all).empty());
}

BOOST_AUTO_TEST_CASE(where_hardware_refuses_a_moved_child_the_kernel_takes_it) {
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::packet;
    for (std::uint64_t refused = 1;; ++refused) {
        FakeXfrm fake;
        SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto&) { return 3U; });
        BOOST_REQUIRE(all.install(child));
        // Behind the two questions what the states are.
        fake.refused_request = fake.requests + 2 + refused;
        fake.error = EOPNOTSUPP;
        BOOST_REQUIRE(all.move(ChildSaId{1}, elsewhere, std::nullopt));
        if (offloaded(fake) != 0) {
            BOOST_TEST(refused == 7u);
            break;
        }
        BOOST_TEST((interfaces_in<xfrm_userpolicy_info>(fake.policies) == std::set{0}));
        BOOST_TEST(refusal_of(all).contains("Operation not supported"));
        BOOST_TEST((fake.states.size() == 2u && fake.policies.size() == 6u));
        BOOST_REQUIRE(all.remove(ChildSaId{1}));
        BOOST_TEST((fake.states.empty() && fake.policies.empty()));
    }
}

BOOST_AUTO_TEST_CASE(what_hardware_has_taken_over_is_made_again_when_its_ports_change) {
    FakeXfrm fake;
    SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto&) { return 3U; });
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::crypto;
    child.encapsulation = policy::UdpEncapsulation{4500, 4500};
    BOOST_REQUIRE(all.install(child));
    const policy::UdpPath same{{child.local_address, 4500}, {child.remote_address, 61000}};
    BOOST_REQUIRE(all.move(ChildSaId{1}, same, policy::UdpEncapsulation{4500, 61000}));
    BOOST_TEST((interfaces_in<xfrm_usersa_info>(fake.states) == std::set{3}));
    BOOST_TEST((fake.states.size() == 2u && fake.policies.size() == 6u));
}

BOOST_AUTO_TEST_CASE(policies_ask_for_no_hardware_while_their_states_are_in_the_kernel) {
    FakeXfrm fake;
    SecurityAssociations all(fake.socket(), {}, [](const auto&, const auto&) { return 3U; });
    auto child = numbered(1);
    child.offload = policy::HardwareOffload::packet;
    child.encapsulation = policy::UdpEncapsulation{4500, 4500};
    fake.refused_request = fake.requests + 1;
    fake.error = EOPNOTSUPP;
    BOOST_REQUIRE(all.install(child));
    BOOST_REQUIRE((interfaces_in<xfrm_usersa_info>(fake.states) == std::set{0}));
    const policy::UdpPath same{{child.local_address, 4500}, {child.remote_address, 61000}};
    BOOST_REQUIRE(all.move(ChildSaId{1}, same, policy::UdpEncapsulation{4500, 61000}));
    BOOST_TEST((interfaces_in<xfrm_usersa_info>(fake.states) == std::set{0}));
    BOOST_TEST((interfaces_in<xfrm_userpolicy_info>(fake.policies) == std::set{0}));
}

BOOST_AUTO_TEST_CASE(a_child_between_neighbours_takes_along_what_lets_them_find_each_other) {
    FakeXfrm fake;
    SecurityAssociations all(fake.socket());
    auto trap = neighbours_child();
    trap.id = ChildSaId{9};
    trap.reqid = policy::reqid_mark | policy::trap_reqid_bit | 1;
    BOOST_REQUIRE(all.install_trap(trap));
    BOOST_TEST(fake.policies.size() == 12u);
    const auto trapping = fake.policies;
    BOOST_REQUIRE(all.install(neighbours_child()));
    BOOST_TEST(fake.policies.size() == 12u);
    BOOST_REQUIRE(all.remove(ChildSaId{1}));
    BOOST_TEST((fake.policies == trapping));
    BOOST_REQUIRE(all.remove_trap(ChildSaId{9}));
    BOOST_TEST(fake.policies.empty());
}

/// What was not removed is left over, and goes when it is mended.
void take_out_leftover(Kernel& kernel) {
    kernel.fake.refused_request = 0;
    const auto left = differences(kernel.all, kernel.fake);
    BOOST_REQUIRE_EQUAL(left.size(), 1);
    using Kind = xfrm::KernelDifference::Kind;
    BOOST_TEST((left.front().kind == Kind::state_left_over ||
                left.front().kind == Kind::policy_left_over));
    BOOST_REQUIRE(kernel.all.mend(left.front()));
    BOOST_TEST((kernel.fake.states.empty() && kernel.fake.policies.empty()));
}

BOOST_AUTO_TEST_CASE(a_removal_that_is_refused_is_told_and_the_rest_goes) {
    for (std::uint64_t position = 1; position <= 8; ++position) {
        Kernel kernel;
        kernel.fake.refused_request = kernel.fake.requests + position;
        kernel.fake.error = EPERM;
        const Result result = kernel.all.remove(ChildSaId{1});
        BOOST_REQUIRE(!result);
        BOOST_TEST(result.error().error.code == EPERM);
        BOOST_TEST(kernel.fake.states.size() + kernel.fake.policies.size() == 1u);
        take_out_leftover(kernel);
    }
}

/// The policies of a trap with the selectors of numbered().
policy::ChildSa numbered_trap(std::uint64_t id) {
    auto trap = numbered(id);
    trap.reqid = policy::reqid_mark | policy::trap_reqid_bit | static_cast<std::uint32_t>(id);
    return trap;
}

BOOST_AUTO_TEST_CASE(what_several_processors_left_waiting_goes_before_a_trap_stands) {
    Kernel kernel;
    const auto states = kernel.fake.states;
    kernel.fake.larval_states = 3;
    BOOST_REQUIRE(kernel.all.install_trap(numbered_trap(9)));
    BOOST_TEST(kernel.fake.larval_states == 0U);
    BOOST_TEST((kernel.fake.states == states));

    kernel.fake.larval_states = 2;
    BOOST_REQUIRE(kernel.all.remove(ChildSaId{1}));
    BOOST_TEST(kernel.fake.larval_states == 0U);
    BOOST_TEST(kernel.fake.states.empty());
}

BOOST_AUTO_TEST_CASE(a_trap_that_is_refused_leaves_nothing) {
    // The first two make the kernel ask again, which it need not.
    for (std::uint64_t position = 3; position <= 8; ++position) {
        FakeXfrm fake;
        SecurityAssociations all(fake.socket());
        fake.refused_request = position;
        fake.error = ENOMEM;
        const Result result = all.install_trap(numbered_trap(9));
        BOOST_REQUIRE(!result);
        BOOST_TEST(result.error().error.code == ENOMEM);
        BOOST_TEST(result.error().request.starts_with("UPDPOLICY src 192.168."));
        BOOST_TEST(fake.policies.empty());
        BOOST_TEST(differences(all, fake).empty());
        BOOST_REQUIRE(all.remove_trap(ChildSaId{9}));
        fake.refused_request = 0;
        BOOST_REQUIRE(all.install_trap(numbered_trap(9)));
        BOOST_TEST(fake.policies.size() == 6u);
        BOOST_TEST(differences(all, fake).empty());
        all.remove_all();
        BOOST_TEST(fake.policies.empty());
    }
}

BOOST_AUTO_TEST_CASE(a_trap_that_does_not_go_is_told_and_left_over) {
    for (std::uint64_t position = 1; position <= 6; ++position) {
        Kernel kernel;
        kernel.all.remove_all();
        BOOST_REQUIRE(kernel.all.install_trap(numbered_trap(9)));
        kernel.fake.refused_request = kernel.fake.requests + position;
        kernel.fake.error = EPERM;
        const Result result = kernel.all.remove_trap(ChildSaId{9});
        BOOST_REQUIRE(!result);
        BOOST_TEST(result.error().error.code == EPERM);
        BOOST_TEST(kernel.fake.policies.size() == 1u);
        take_out_leftover(kernel);
    }
}

BOOST_AUTO_TEST_CASE(a_trap_stands_again_or_is_missed_whatever_is_refused_when_its_child_goes) {
    for (std::uint64_t position = 1; position <= 12; ++position) {
        Kernel kernel;
        BOOST_REQUIRE(kernel.all.install_trap(numbered_trap(9)));
        kernel.fake.refused_request = kernel.fake.requests + position;
        kernel.fake.error = ENOMEM;
        const Result result = kernel.all.remove(ChildSaId{1});
        kernel.fake.refused_request = 0;
        BOOST_TEST_CONTEXT("request " << position << " refused") {
            // The first two make the kernel ask again, and behind the tenth nothing is asked.
            BOOST_TEST(result.has_value() == (position <= 2 || position > 10));
            // A policy that the trap did not get back is another than it ought to be.
            for (const auto& difference : differences(kernel.all, kernel.fake)) {
                BOOST_REQUIRE(kernel.all.mend(difference));
            }
            BOOST_TEST(differences(kernel.all, kernel.fake).empty());
            BOOST_TEST((kernel.fake.states.empty() && kernel.fake.policies.size() == 6u));
        }
    }
}

BOOST_AUTO_TEST_CASE(an_outbound_state_that_does_not_go_is_told_and_goes_later) {
    for (std::uint64_t position = 1; position <= 2; ++position) {
        Kernel kernel;
        kernel.fake.refused_request = kernel.fake.requests + position;
        kernel.fake.error = EPERM;
        const Result result = kernel.all.remove_outbound(ChildSaId{1});
        // What it has counted is not worth a failure.
        BOOST_TEST(result.has_value() == (position == 1));
        BOOST_TEST(kernel.fake.states.size() == position);
        BOOST_TEST(differences(kernel.all, kernel.fake).empty());
        BOOST_REQUIRE(kernel.all.remove_outbound(ChildSaId{1}));
        BOOST_TEST(kernel.fake.states.size() == 1u);
        BOOST_REQUIRE(kernel.all.remove(ChildSaId{1}));
        BOOST_TEST((kernel.fake.states.empty() && kernel.fake.policies.empty()));
    }
}

BOOST_AUTO_TEST_CASE(a_mend_that_is_refused_is_told_and_changes_nothing) {
    Kernel kernel;
    kernel.fake.policies.clear();
    const auto missing = differences(kernel.all, kernel.fake);
    BOOST_TEST(missing.size() == 6u);
    for (const auto& difference : missing) {
        kernel.fake.refused_request = kernel.fake.requests + 1;
        kernel.fake.error = ENOMEM;
        const auto before = kernel.fake.policies;
        const Result result = kernel.all.mend(difference);
        BOOST_REQUIRE(!result);
        BOOST_TEST(result.error().error.code == ENOMEM);
        BOOST_TEST(result.error().request.starts_with("UPDPOLICY"));
        BOOST_TEST((kernel.fake.policies == before));
        BOOST_REQUIRE(kernel.all.mend(difference));
    }
    BOOST_TEST(differences(kernel.all, kernel.fake).empty());
}

BOOST_AUTO_TEST_SUITE_END()
