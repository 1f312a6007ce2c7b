// What the kernel lists is compared with what it was told and has confirmed.
#include "xfrm/kernel_comparison.h"

#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"
#include "xfrm/policy_message.h"
#include "xfrm/state_copy.h"
#include "xfrm/state_message.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(kernel_comparison)

using namespace viaduct;
using namespace viaduct::test;
using Kind = xfrm::KernelDifference::Kind;

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

BOOST_FIXTURE_TEST_CASE(what_is_as_it_was_put_there_does_not_differ, Fixture) {
    BOOST_TEST(differences({listed_policy(), listed_state()}).empty());
    // Nor in a later pass.
    BOOST_TEST(differences({listed_state(), listed_policy()}).empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_not_listed_is_missing, Fixture) {
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

BOOST_FIXTURE_TEST_CASE(a_state_with_other_keys_ports_or_window_is_another, Fixture) {
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

BOOST_FIXTURE_TEST_CASE(keys_that_a_kernel_does_not_show_are_no_difference, Fixture) {
    auto shown = child;
    shown.outbound_keys.encryption =
        policy::Secret(Botan::secure_vector<std::uint8_t>(child.suite.encryption_key_length()));
    BOOST_TEST(differences({listed(state_of(shown)), listed_policy()}).empty());
    // One key alone is another key.
    Fixture cbc;
    cbc.child = cbc_child(256, policy::IntegrityAlgorithm::hmac_sha2_256_128);
    cbc.child.reqid = child.reqid;
    cbc.record = {};
    cbc.record.on_answer(state_of(cbc.child), confirmed);
    auto half_shown = cbc.child;
    half_shown.outbound_keys.encryption = policy::Secret(
        Botan::secure_vector<std::uint8_t>(half_shown.suite.encryption_key_length()));
    BOOST_TEST(cbc.differences({listed(state_of(half_shown))}).size() == 1u);
    half_shown.outbound_keys.integrity =
        policy::Secret(Botan::secure_vector<std::uint8_t>(half_shown.suite.integrity_key_length()));
    BOOST_TEST(cbc.differences({listed(state_of(half_shown))}).empty());
    // The rest is looked at all the same.
    shown.if_id = 9;
    BOOST_TEST(differences({listed(state_of(shown)), listed_policy()}).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(lifetimes_and_the_window_as_far_as_it_has_come_are_no_difference, Fixture) {
    auto octets = listed_state();
    xfrm_usersa_info info{};
    std::memcpy(&info, octets.data() + NLMSG_HDRLEN, sizeof(info));
    info.curlft.bytes = 1000;
    info.curlft.use_time = 1;
    info.stats.replay = 3;
    std::memcpy(octets.data() + NLMSG_HDRLEN, &info, sizeof(info));
    BOOST_TEST(differences({octets, listed_policy()}).empty());
}

/// The listed message with an attribute more, or another in place of its own.
template <class Fixed, class Value>
Octets with_attribute(const Octets& listed, std::uint16_t type, const Value& value) {
    const auto parts = take_apart(listed, sizeof(Fixed));
    netns::NetlinkMessage message("listed", parts.type, 0);
    Fixed fixed{};
    std::memcpy(&fixed, parts.fixed.data(), sizeof(fixed));
    message.put_fixed(fixed);
    for (const auto& [other, octets] : parts.attributes) {
        if (other != type) {
            message.put_attribute(other, octets);
        }
    }
    message.put_attribute_of(type, value);
    return {message.octets().begin(), message.octets().end()};
}

BOOST_FIXTURE_TEST_CASE(whatever_a_state_was_given_is_missed_when_it_is_otherwise, Fixture) {
    using Info = xfrm_usersa_info;
    const auto state = listed_state();
    const std::vector<Octets> others{
        with<Info>(state, [](Info& info) { info.saddr.a4 ^= 1; }),
        with<Info>(state, [](Info& info) { info.mode = XFRM_MODE_BEET; }),
        with<Info>(state, [](Info& info) { info.reqid ^= 1; }),
        with<Info>(state, [](Info& info) { info.flags ^= XFRM_STATE_NOECN; }),
        with<Info>(state, [](Info& info) { info.sel.prefixlen_s = 24; }),
        with<Info>(state, [](Info& info) { info.sel.prefixlen_d = 24; }),
        with<Info>(state, [](Info& info) { info.sel.saddr.a4 = 1; }),
        with<Info>(state, [](Info& info) { info.sel.daddr.a4 = 1; }),
        with<Info>(state, [](Info& info) { info.sel.proto = 6; }),
        with<Info>(state, [](Info& info) { info.sel.sport = 6; }),
        with<Info>(state, [](Info& info) { info.sel.sport_mask = 6; }),
        with<Info>(state, [](Info& info) { info.sel.dport = 6; }),
        with<Info>(state, [](Info& info) { info.sel.dport_mask = 6; }),
        with<Info>(state, [](Info& info) { info.lft.soft_byte_limit = 5; }),
        with<Info>(state, [](Info& info) { info.lft.hard_byte_limit = 5; }),
        with<Info>(state, [](Info& info) { info.lft.soft_packet_limit = 5; }),
        with<Info>(state, [](Info& info) { info.lft.hard_packet_limit = 5; }),
        with<Info>(state, [](Info& info) { info.lft.soft_add_expires_seconds = 5; }),
        with<Info>(state, [](Info& info) { info.lft.hard_add_expires_seconds = 5; }),
        with<Info>(state, [](Info& info) { info.lft.soft_use_expires_seconds = 5; }),
        with<Info>(state, [](Info& info) { info.lft.hard_use_expires_seconds = 5; }),
        with_attribute<Info>(state, XFRMA_REPLAY_ESN_VAL,
                             std::array<std::uint32_t, 6>{1, 0, 0, 0, 0, 64}),
        with_attribute<Info>(state, XFRMA_ALG_AEAD, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_ALG_CRYPT, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_ALG_AUTH_TRUNC, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_ALG_COMP, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_ENCAP, xfrm_encap_tmpl{}),
        with_attribute<Info>(state, XFRMA_IF_ID, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_MARK, xfrm_mark{1, 1}),
        with_attribute<Info>(state, XFRMA_SET_MARK, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_SET_MARK_MASK, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_TFCPAD, std::uint32_t{1}),
        with_attribute<Info>(state, XFRMA_SA_EXTRA_FLAGS,
                             std::uint32_t{XFRM_SA_XFLAG_DONT_ENCAP_DSCP}),
        with_attribute<Info>(state, XFRMA_SA_DIR, std::uint8_t{XFRM_SA_DIR_OUT}),
        with_attribute<Info>(state, XFRMA_NAT_KEEPALIVE_INTERVAL, std::uint32_t{20}),
    };
    for (std::size_t number = 0; number < others.size(); ++number) {
        BOOST_TEST_CONTEXT("change " << number) {
            const auto found = differences({others[number], listed_policy()});
            BOOST_REQUIRE_EQUAL(found.size(), 1);
            BOOST_TEST((found[0].kind == Kind::state_changed));
        }
    }
}

BOOST_FIXTURE_TEST_CASE(whatever_a_policy_was_given_is_put_back_when_it_is_otherwise, Fixture) {
    using Info = xfrm_userpolicy_info;
    const auto policy = listed_policy();
    const auto parts = take_apart(policy, sizeof(Info));
    const auto with_template = [&](const auto& change) {
        xfrm_user_tmpl each{};
        std::memcpy(&each, parts.attributes.find(XFRMA_TMPL)->second.data(), sizeof(each));
        change(each);
        return with_attribute<Info>(policy, XFRMA_TMPL, each);
    };
    const std::vector<Octets> others{
        with<Info>(policy, [](Info& info) { info.priority ^= 1; }),
        with<Info>(policy, [](Info& info) { info.action = XFRM_POLICY_BLOCK; }),
        with<Info>(policy, [](Info& info) { info.flags ^= XFRM_POLICY_ICMP; }),
        with<Info>(policy, [](Info& info) { info.flags ^= XFRM_POLICY_LOCALOK; }),
        with<Info>(policy, [](Info& info) { info.lft.hard_byte_limit = 5; }),
        with<Info>(policy, [](Info& info) { info.lft.hard_use_expires_seconds = 5; }),
        with_attribute<Info>(policy, XFRMA_MARK, xfrm_mark{1, 1}),
        with_attribute<Info>(policy, XFRMA_OFFLOAD_DEV, xfrm_user_offload{3, 0}),
        with_template([](auto& each) { each.saddr.a4 ^= 1; }),
        with_template([](auto& each) { each.id.daddr.a4 ^= 1; }),
        with_template([](auto& each) { each.id.spi ^= 1; }),
        with_template([](auto& each) { each.id.proto = IPPROTO_AH; }),
        with_template([](auto& each) { each.family = AF_INET6; }),
        with_template([](auto& each) { each.reqid ^= 1; }),
        with_template([](auto& each) { each.mode = XFRM_MODE_TRANSPORT; }),
        with_template([](auto& each) { each.share = XFRM_SHARE_UNIQUE; }),
        with_template([](auto& each) { each.optional = 1; }),
        with_template([](auto& each) { each.aalgos = 1; }),
        with_template([](auto& each) { each.ealgos = 1; }),
        with_template([](auto& each) { each.calgos = 1; }),
    };
    for (std::size_t number = 0; number < others.size(); ++number) {
        BOOST_TEST_CONTEXT("change " << number) {
            const auto found = differences({listed_state(), others[number]});
            BOOST_REQUIRE_EQUAL(found.size(), 1);
            BOOST_TEST((found[0].kind == Kind::policy_changed));
            BOOST_TEST(found[0].remedy.has_value());
        }
    }
}

BOOST_FIXTURE_TEST_CASE(what_the_driver_did_with_a_state_is_no_difference, Fixture) {
    const auto state = with_attribute<xfrm_usersa_info>(listed_state(), XFRMA_OFFLOAD_DEV,
                                                        xfrm_user_offload{3, 0});
    BOOST_TEST(differences({state, listed_policy()}).empty());
    // The kernel tells of a whole state the family that its selector was not given.
    const auto filled = with<xfrm_usersa_info>(
        listed_state(), [](xfrm_usersa_info& info) { info.sel.family = AF_INET; });
    BOOST_TEST(differences({filled, listed_policy()}).empty());
}

BOOST_FIXTURE_TEST_CASE(a_policy_that_leads_elsewhere_is_put_right, Fixture) {
    auto other = child;
    other.reqid = 99;
    auto policy = first_policy(other);
    const auto changed = differences({listed_state(), listed(xfrm::put_policy(policy))});
    BOOST_REQUIRE(changed.size() == 1u);
    BOOST_TEST((changed[0].kind == Kind::policy_changed));
    BOOST_TEST(changed[0].remedy.has_value());
}

BOOST_FIXTURE_TEST_CASE(what_carries_our_reqid_and_is_unknown_is_left_over, Fixture) {
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

BOOST_FIXTURE_TEST_CASE(what_is_somebody_elses_is_never_touched, Fixture) {
    auto stranger = child;
    stranger.reqid = 7;
    stranger.outbound_spi = policy::ChildSpi{0xc0000099};
    stranger.remote_selectors = {selector("192.168.99.0/24")};
    BOOST_TEST(differences({listed_state(), listed_policy(), listed(state_of(stranger)),
                            listed(xfrm::put_policy(first_policy(stranger)))})
                   .empty());
}

BOOST_FIXTURE_TEST_CASE(a_state_that_waits_for_its_spi_is_not_left_over, Fixture) {
    auto waiting = child;
    waiting.outbound_spi = policy::ChildSpi{0};
    BOOST_TEST(differences({listed_state(), listed_policy(), listed(state_of(waiting))}).empty());
}

BOOST_FIXTURE_TEST_CASE(only_what_the_kernel_confirmed_is_recorded, Fixture) {
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

BOOST_FIXTURE_TEST_CASE(a_policy_with_an_interface_is_another_than_the_one_without, Fixture) {
    auto routed = child;
    routed.if_id = 5;
    record.on_answer(xfrm::put_policy(first_policy(routed)), confirmed);
    BOOST_TEST(record.policies().size() == 2u);
    record.on_answer(xfrm::delete_policy(first_policy(routed).selector), confirmed);
    BOOST_TEST(record.policies().size() == 1u);
    BOOST_TEST(differences({listed_state(), listed_policy()}).empty());
}

BOOST_FIXTURE_TEST_CASE(what_lets_neighbour_discovery_pass_is_ours_without_a_reqid, Fixture) {
    const auto policies = xfrm::kernel_policies(neighbours_child()).value();
    const auto& passing = *std::ranges::find_if(policies, &xfrm::KernelPolicy::in_clear);
    const auto put = xfrm::put_policy(passing);
    const auto left = differences({listed_state(), listed_policy(), listed(put)});
    BOOST_REQUIRE(left.size() == 1u);
    BOOST_TEST((left[0].kind == Kind::policy_left_over));
    const auto deletion = xfrm::delete_policy(passing.selector);
    BOOST_REQUIRE(left[0].remedy.has_value());
    BOOST_TEST(left[0].remedy->octets() == deletion.octets(), boost::test_tools::per_element());

    record.on_answer(put, confirmed);
    BOOST_TEST(differences({listed_state(), listed_policy(), listed(put)}).empty());
    const auto missing = differences({listed_state(), listed_policy()});
    BOOST_REQUIRE(missing.size() == 1u);
    BOOST_TEST((missing[0].kind == Kind::policy_missing));
    BOOST_REQUIRE(missing[0].remedy.has_value());
    BOOST_TEST(missing[0].remedy->octets() == put.octets(), boost::test_tools::per_element());
    auto encrypted = passing;
    encrypted.in_clear = false;
    const auto changed =
        differences({listed_state(), listed_policy(), listed(xfrm::put_policy(encrypted))});
    BOOST_REQUIRE(changed.size() == 1u);
    BOOST_TEST((changed[0].kind == Kind::policy_changed));
}

// A message may be cut off anywhere.
BOOST_FIXTURE_TEST_CASE(truncated_messages_are_not_read, Fixture) {
    for (const auto& whole : {listed_state(), listed_policy()}) {
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            BOOST_TEST(!xfrm::read_state_message(cut));
            BOOST_TEST(!xfrm::read_policy_message(cut));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
