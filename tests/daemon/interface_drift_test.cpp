#include "daemon/interface_drift.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

BOOST_AUTO_TEST_SUITE(interface_drift)

using namespace viaduct;

namespace {

std::vector<std::string> lines(const netns::InterfaceReview& review) {
    std::vector<std::string> result;
    for (const auto& each : daemon::interface_drift(review)) {
        result.push_back(each.kind + " | " + each.name + " | " + each.remedy);
    }
    return result;
}

using Lines = std::vector<std::string>;

const netns::InterfaceReview found{
    .failures = {},
    .missing = {{"vti-a", false, "NEWADDR 169.254.10.1/30 dev vti-a"},
                {"vti-a", false, "NEWLINK vti-a mtu 1400"},
                {"vti-b", true, "NEWLINK vti-b"}}};

} // namespace

BOOST_AUTO_TEST_CASE(each_loss_is_told_with_what_puts_it_back) {
    BOOST_TEST(lines({}).empty());
    BOOST_TEST(lines(found) ==
               (Lines{"interface changed | vti-a | NEWADDR 169.254.10.1/30 dev vti-a",
                      "interface changed | vti-a | NEWLINK vti-a mtu 1400",
                      "interface missing | vti-b | NEWLINK vti-b"}));
}

BOOST_AUTO_TEST_CASE(what_failed_says_so_once) {
    auto mended = found;
    const netns::SystemError refused{EEXIST, "NEWLINK vti-b", "not ours"};
    const netns::SystemError unheard{ENOBUFS, "GETLINK vti-c", {}};
    mended.failures = {refused, unheard, unheard};
    BOOST_TEST(lines(mended) ==
               (Lines{"interface changed | vti-a | NEWADDR 169.254.10.1/30 dev vti-a",
                      "interface changed | vti-a | NEWLINK vti-a mtu 1400",
                      "interface missing | vti-b | failed: " + refused.to_string(),
                      "interface unknown | GETLINK vti-c | failed: " + unheard.to_string()}));
}

BOOST_AUTO_TEST_SUITE_END()
