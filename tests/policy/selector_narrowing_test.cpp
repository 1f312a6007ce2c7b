#include "policy/selector_narrowing.h"
#include "tests/policy/print_values.h"
#include "tests/policy/random_cases.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(selector_narrowing)

using namespace viaduct::policy;

namespace {

using Selectors = std::vector<TrafficSelector>;

Selectors subnets(std::initializer_list<std::string_view> texts) {
    Selectors selectors;
    for (const auto text : texts)
        selectors.push_back(TrafficSelector::from_subnet(Subnet::parse(text).value()));
    return selectors;
}
Selectors tcp(Selectors selectors, std::uint16_t port) {
    for (auto& selector : selectors) {
        selector.protocol = 6;
        selector.start_port = selector.end_port = port;
    }
    return selectors;
}
std::string text(const std::expected<NarrowedSelectors, SelectorMismatch>& result) {
    if (!result)
        return result.error().to_string();
    return to_string(result->local()) + " === " + to_string(result->remote()) +
           (result->reduced() ? " (reduced)" : "");
}

/// A packet between a source and a destination of one side.
bool covers(std::span<const TrafficSelector> selectors, const TrafficSelector& packet) {
    return std::ranges::any_of(selectors,
                               [&](const TrafficSelector& s) { return s.contains(packet); });
}

const auto local = subnets({"192.168.11.0/24"});
const auto remote = subnets({"192.168.30.0/24", "192.168.40.0/24"});

} // namespace

BOOST_AUTO_TEST_CASE(an_equal_offer_is_taken_whole_and_in_its_order) {
    BOOST_TEST(
        text(narrow(local, remote, local, subnets({"192.168.40.0/24", "192.168.30.0/24"}))) ==
        "192.168.11.0/24 === 192.168.40.0/24, 192.168.30.0/24");
}

// covers 7296-2.9-a
BOOST_AUTO_TEST_CASE(a_wider_offer_is_narrowed_to_what_is_configured) {
    const auto any = subnets({"0.0.0.0/0"});
    BOOST_TEST(text(narrow(local, remote, any, any)) ==
               "192.168.11.0/24 === 192.168.30.0/24, 192.168.40.0/24 (reduced)");
}

BOOST_AUTO_TEST_CASE(a_narrower_offer_is_taken_as_it_is) {
    BOOST_TEST(text(narrow(local, remote, subnets({"192.168.11.128/25"}),
                           tcp(subnets({"192.168.40.7"}), 443))) ==
               "192.168.11.128/25 === 192.168.40.7/32[tcp/443]");
}

// covers 7296-2.9-a
BOOST_AUTO_TEST_CASE(the_packet_of_an_acquire_disappears_in_the_subnet_behind_it) {
    // RFC 7296 2.9: the first selectors may be those of the packet that caused the negotiation.
    auto offered = tcp(subnets({"192.168.30.5"}), 80);
    std::ranges::copy(subnets({"192.168.30.0/24", "192.168.30.0/24", "192.168.30.64/26"}),
                      std::back_inserter(offered));
    BOOST_TEST(text(narrow(local, remote, local, offered)) ==
               "192.168.11.0/24 === 192.168.30.0/24");
}

BOOST_AUTO_TEST_CASE(an_offer_covered_by_several_configured_subnets_is_not_reduced) {
    BOOST_TEST(text(narrow(local, subnets({"10.0.0.0/25", "10.0.0.128/25"}), local,
                           subnets({"10.0.0.0/24"}))) ==
               "192.168.11.0/24 === 10.0.0.0/25, 10.0.0.128/25");
    BOOST_TEST(text(narrow(local, subnets({"10.0.0.0/25", "10.0.0.192/26"}), local,
                           subnets({"10.0.0.0/24"}))) ==
               "192.168.11.0/24 === 10.0.0.0/25, 10.0.0.192/26 (reduced)");
    const auto halves = subnets({"::/1", "8000::/1"});
    BOOST_TEST(text(narrow(halves, halves, subnets({"::/0"}), subnets({"::/0"}))) ==
               "::/1, 8000::/1 === ::/1, 8000::/1");
}

BOOST_AUTO_TEST_CASE(a_family_on_one_side_only_is_left_out) {
    const auto both = subnets({"10.0.0.0/8", "2001:db8::/32"});
    BOOST_TEST(text(narrow(both, both, both, subnets({"2001:db8::/32"}))) ==
               "2001:db8::/32 === 2001:db8::/32 (reduced)");
    BOOST_TEST(text(narrow(both, both, both, both)) ==
               "10.0.0.0/8, 2001:db8::/32 === 10.0.0.0/8, 2001:db8::/32");
    const auto result = narrow(both, both, subnets({"10.0.0.0/8"}), subnets({"2001:db8::/32"}));
    BOOST_REQUIRE(!result);
    BOOST_TEST((result.error().local_differs && result.error().remote_differs));
}

BOOST_AUTO_TEST_CASE(a_mismatch_says_on_which_side) {
    BOOST_TEST(text(narrow(local, remote, local, subnets({"10.0.0.0/8"}))) ==
               "no traffic selectors in common: remote differs (configured 192.168.30.0/24, "
               "192.168.40.0/24, offered 10.0.0.0/8)");
    BOOST_TEST(text(narrow(local, remote, subnets({"10.0.0.0/8"}), {})) ==
               "no traffic selectors in common: local differs (configured 192.168.11.0/24, offered "
               "10.0.0.0/8), remote differs (configured 192.168.30.0/24, 192.168.40.0/24, offered "
               "none)");
}

BOOST_AUTO_TEST_CASE(invalid_selectors_of_a_peer_are_left_out) {
    auto offered = local;
    std::swap(offered.front().start_address, offered.front().end_address);
    BOOST_TEST(!narrow(local, remote, offered, remote).has_value());
    std::ranges::copy(local, std::back_inserter(offered));
    BOOST_TEST(text(narrow(local, remote, offered, remote)) ==
               "192.168.11.0/24 === 192.168.30.0/24, 192.168.40.0/24 (reduced)");
}

BOOST_AUTO_TEST_CASE(the_result_has_no_more_than_a_payload_can_carry) {
    Selectors configured;
    Selectors offered;
    for (std::uint8_t i = 0; i < 128; ++i) {
        configured.push_back(TrafficSelector::from_subnet({IpAddress::v4(10, i, 0, 0), 16}));
        for (const std::uint16_t port : std::array<std::uint16_t, 3>{80, 443, 8080}) {
            offered.push_back(configured.back());
            offered.back().protocol = 6;
            offered.back().start_port = offered.back().end_port = port;
        }
    }
    const auto result = narrow(local, configured, local, offered);
    BOOST_REQUIRE(result);
    BOOST_TEST(result->remote().size() == max_selectors_per_side);
    BOOST_TEST(result->reduced());
}

BOOST_AUTO_TEST_CASE(an_answer_inside_the_offer_is_accepted) {
    BOOST_TEST(text(verify_narrowing(local, remote, local, remote)) ==
               "192.168.11.0/24 === 192.168.30.0/24, 192.168.40.0/24");
    BOOST_TEST(text(verify_narrowing(local, remote, local, subnets({"192.168.40.0/24"}))) ==
               "192.168.11.0/24 === 192.168.40.0/24 (reduced)");
}

BOOST_AUTO_TEST_CASE(an_answer_that_reaches_beyond_one_offered_selector_is_refused) {
    const auto refused = [](const Selectors& answered_local, const Selectors& answered_remote) {
        return !verify_narrowing(local, remote, answered_local, answered_remote).has_value();
    };
    BOOST_TEST(refused(local, subnets({"0.0.0.0/0"})));
    BOOST_TEST(refused(local, subnets({"192.168.40.0/24", "192.168.50.0/24"})));
    BOOST_TEST(refused(subnets({"192.168.10.0/23"}), remote));
    BOOST_TEST(refused(local, {}));
    BOOST_TEST(refused({}, remote));
    BOOST_TEST(text(verify_narrowing(local, remote, local, subnets({"10.0.0.0/8"}))) ==
               "no traffic selectors in common: remote differs (configured 192.168.30.0/24, "
               "192.168.40.0/24, offered 10.0.0.0/8)");
}

BOOST_AUTO_TEST_CASE(random_offers_are_narrowed_to_what_both_sides_allow) {
    RandomCases cases;
    const auto some = [&] {
        Selectors selectors;
        for (auto count = 1 + cases.below(6); count > 0; --count)
            selectors.push_back(cases.selector());
        return selectors;
    };
    for (int i = 0; i < 5000; ++i) {
        BOOST_TEST_CONTEXT("seed " << cases.seed() << ", case " << i) {
            const auto our_local = some(), our_remote = some(), offer_local = some(),
                       offer_remote = some();
            const auto result = narrow(our_local, our_remote, offer_local, offer_remote);
            if (!result)
                continue;
            for (const auto& selector : result->local())
                BOOST_REQUIRE((covers(our_local, selector) && covers(offer_local, selector)));
            for (const auto& selector : result->remote())
                BOOST_REQUIRE((covers(our_remote, selector) && covers(offer_remote, selector)));
            // The initiator accepts what the responder made of its offer.
            const auto verified =
                verify_narrowing(offer_local, offer_remote, result->local(), result->remote());
            BOOST_REQUIRE(verified);
            BOOST_REQUIRE(verified->local() == result->local());
            BOOST_REQUIRE(verified->remote() == result->remote());
            BOOST_REQUIRE(verified->reduced() == result->reduced());
            for (int packets = 0; packets < 20; ++packets) {
                auto packet = cases.selector();
                packet.end_address = packet.start_address;
                packet.end_port = packet.start_port;
                const bool pairs = std::ranges::contains(result->local(), packet.family(),
                                                         &TrafficSelector::family);
                BOOST_REQUIRE(covers(result->local(), packet) ==
                              (pairs && covers(our_local, packet) && covers(offer_local, packet)));
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
