// What a listing found is looked at again, a bounded number at a time.
#include "xfrm/difference_review.h"

#include "tests/crypto/vector_file.h"
#include "tests/kernel/fake_xfrm.h"
#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"
#include "xfrm/kernel_comparison.h"
#include "xfrm/policy_message.h"
#include "xfrm/state_message.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(difference_review)

using namespace viaduct;
using namespace viaduct::test;
using Kind = xfrm::KernelDifference::Kind;

/// A kernel with many states, and one policy.
struct Fixture {
    static constexpr std::uint32_t many = 1000;

    Fixture() {
        for (std::uint32_t number = 0; number < many; ++number) {
            child.outbound_spi = policy::ChildSpi{0xc0000000 + number};
            put(xfrm::new_state(child, xfrm::Direction::outbound).value());
        }
        put(xfrm::put_policy(wanted));
    }
    void put(netns::NetlinkMessage request) {
        BOOST_REQUIRE(kernel.exchange({&request, 1}).front());
    }
    std::vector<xfrm::KernelDifference> nothing_listed() {
        return xfrm::ListingCheck(kernel.record(), 1).finish();
    }

    policy::ChildSa child = gcm_child();
    xfrm::KernelPolicy wanted = xfrm::kernel_policies(child).value().front();
    FakeXfrm fake;
    xfrm::RecordedKernel kernel{fake.socket()};
};

BOOST_FIXTURE_TEST_CASE(no_step_looks_at_more_than_a_few, Fixture) {
    fake.states.clear();
    xfrm::DifferenceReview review(kernel, nothing_listed());
    std::size_t steps = 0;
    std::size_t found = 0;
    for (;;) {
        const auto requests = fake.requests;
        const auto batches = fake.batches;
        const auto differing = review.next();
        if (!differing) {
            break;
        }
        ++steps;
        found += differing->size();
        BOOST_TEST(fake.requests - requests <= xfrm::DifferenceReview::at_once);
        BOOST_TEST(fake.batches - batches <= 1u);
    }
    BOOST_TEST(found == many);
    BOOST_TEST(steps ==
               (many + 1 + xfrm::DifferenceReview::at_once - 1) / xfrm::DifferenceReview::at_once);
}

BOOST_FIXTURE_TEST_CASE(what_is_there_after_all_does_not_differ, Fixture) {
    xfrm::DifferenceReview review(kernel, nothing_listed());
    while (const auto differing = review.next()) {
        BOOST_TEST(differing->empty());
    }
}

BOOST_FIXTURE_TEST_CASE(what_has_gone_from_the_record_meanwhile_is_nobodys, Fixture) {
    fake.states.clear();
    xfrm::DifferenceReview review(kernel, nothing_listed());
    kernel.record().states().clear();
    kernel.record().policies().clear();
    while (const auto differing = review.next()) {
        BOOST_TEST(differing->empty());
    }
}

BOOST_FIXTURE_TEST_CASE(a_remedy_is_what_is_wanted_now, Fixture) {
    auto found = nothing_listed();
    std::erase_if(found, [](const auto& each) { return each.kind != Kind::policy_missing; });
    BOOST_REQUIRE(found.size() == 1u);
    wanted.reqid = 99;
    put(xfrm::put_policy(wanted));
    fake.policies.clear();
    xfrm::DifferenceReview review(kernel, std::move(found));
    const auto differing = review.next();
    BOOST_REQUIRE(differing && differing->size() == 1u);
    const auto now = xfrm::put_policy(wanted);
    BOOST_TEST(differing->front().remedy.value().octets() == now.octets(),
               boost::test_tools::per_element());
}

/// Hears what is asked for and lets all be done.
class Ear : public netns::NetlinkExchange {
public:
    explicit Ear(std::vector<Octets>& heard) : heard_(heard) {}
    std::vector<netns::NetlinkAnswer> exchange(std::span<netns::NetlinkMessage> requests) override {
        for (const auto& each : requests) {
            heard_.emplace_back(each.octets().begin(), each.octets().end());
        }
        return std::vector<netns::NetlinkAnswer>(requests.size());
    }
    std::expected<void, netns::SystemError>
    dump(netns::NetlinkMessage /*request*/,
         const std::function<void(std::span<const std::uint8_t>)>& /*each*/) override {
        return {};
    }
    std::uint32_t port() const override { return 1; }

private:
    std::vector<Octets>& heard_;
};

BOOST_AUTO_TEST_CASE(a_policy_is_asked_for_as_ip_does) {
    const auto vectors = read_vectors("tests/vectors/kernel/iproute2_xfrm.txt");
    for (const std::uint32_t if_id : {0U, 5U}) {
        const std::string name = if_id == 0 ? "get policy out" : "get policy out of an interface";
        std::vector<Octets> heard;
        xfrm::RecordedKernel kernel(std::make_unique<Ear>(heard));
        policy::ChildSa child = gcm_child();
        child.if_id = if_id;
        const auto policies = xfrm::kernel_policies(child).value();
        auto put =
            xfrm::put_policy(*std::ranges::find_if(policies, [](const xfrm::KernelPolicy& each) {
                return each.selector.direction == xfrm::PolicyDirection::out;
            }));
        BOOST_REQUIRE(kernel.exchange({&put, 1}).front());
        xfrm::DifferenceReview review(kernel, xfrm::ListingCheck(kernel.record(), 1).finish());
        review.next();
        const auto found = std::ranges::find_if(
            vectors, [&](const Vector& vector) { return vector.text("case") == name; });
        BOOST_REQUIRE(found != vectors.end());
        auto expected = take_apart(found->octets("octets"), sizeof(xfrm_userpolicy_id));
        BOOST_REQUIRE(heard.size() == 2U);
        const auto ours = take_apart(heard.back(), sizeof(xfrm_userpolicy_id));
        BOOST_TEST(ours.fixed == expected.fixed, boost::test_tools::per_element());
        BOOST_TEST((ours.attributes == expected.attributes));
    }
}

BOOST_AUTO_TEST_SUITE_END()
