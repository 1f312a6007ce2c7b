#include "xfrm/kernel_probe.h"

#include "tests/kernel/fake_xfrm.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <netinet/in.h>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(kernel_probe)

using namespace viaduct;
using namespace viaduct::test;
using policy::Transform;

namespace {

std::vector<Transform> transforms(const char* proposal) {
    return policy::parse_proposal(proposal, policy::ProtocolId::esp).value().transforms;
}

std::vector<std::string> missing(FakeXfrm& fake, const char* proposal) {
    std::vector<std::string> names;
    for (const Transform& each : xfrm::KernelProbe(fake.socket()).missing(transforms(proposal))) {
        names.push_back(each.to_string());
    }
    return names;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_the_kernel_lacks_is_found_by_trying) {
    FakeXfrm fake;
    BOOST_TEST(missing(fake, "chacha20poly1305-aes256gcm16-aes128gmac").empty());
    fake.lacking = {"rfc7539esp(chacha20,poly1305)", "hmac(sha384)"};
    const std::vector<std::string> cipher{"CHACHA20_POLY1305"};
    BOOST_TEST(missing(fake, "aes256gcm16-chacha20poly1305") == cipher,
               boost::test_tools::per_element());
    const std::vector<std::string> integrity{"HMAC_SHA2_384_192"};
    BOOST_TEST(missing(fake, "aes128-aes256ctr-sha384-sha512") == integrity,
               boost::test_tools::per_element());
    // Nothing stays of what was tried.
    BOOST_TEST(fake.states.empty());
}

BOOST_AUTO_TEST_CASE(errors_that_say_nothing_of_algorithms_leave_them_in) {
    // EPROTONOSUPPORT: a kernel without ESP.
    for (const int error : {EPROTONOSUPPORT, EPERM, ENOMEM, ETIMEDOUT}) {
        FakeXfrm fake;
        fake.refused_request = 1;
        fake.error = error;
        BOOST_TEST(missing(fake, "aes256gcm16").empty());
    }
}

BOOST_AUTO_TEST_CASE(a_feature_is_there_when_the_kernel_tells_it_again) {
    FakeXfrm fake;
    BOOST_TEST((xfrm::KernelProbe(fake.socket()).features() ==
                xfrm::KernelFeatures{.sa_direction = true, .nat_keepalive = true}));
    BOOST_TEST(fake.states.empty());
    fake.unknown_attributes = {XFRMA_NAT_KEEPALIVE_INTERVAL};
    BOOST_TEST((xfrm::KernelProbe(fake.socket()).features() ==
                xfrm::KernelFeatures{.sa_direction = true}));
    fake.unknown_attributes = {XFRMA_NAT_KEEPALIVE_INTERVAL, XFRMA_SA_DIR};
    BOOST_TEST((xfrm::KernelProbe(fake.socket()).features() == xfrm::KernelFeatures{}));
    fake.refused_request = fake.requests + 1;
    fake.error = EINVAL;
    fake.unknown_attributes.clear();
    BOOST_TEST((xfrm::KernelProbe(fake.socket()).features() == xfrm::KernelFeatures{}));
}

BOOST_AUTO_TEST_SUITE_END()
