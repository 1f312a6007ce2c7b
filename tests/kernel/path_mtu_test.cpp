// What is heard of paths when the kernel cannot be asked.
#include "netns/path_mtu.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <sys/resource.h>

BOOST_AUTO_TEST_SUITE(path_mtu)

using namespace viaduct;
using policy::IpAddress;

namespace {

/// While it lives no descriptor can be opened.
class NoDescriptors {
public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{0, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

} // namespace

BOOST_AUTO_TEST_CASE(without_a_descriptor_each_path_has_its_error) {
    const auto here = netns::NetworkNamespace::open("");
    BOOST_REQUIRE(here.has_value());
    const netns::PathEnds path{IpAddress::v4(127, 0, 0, 1), IpAddress::v4(127, 0, 0, 2)};
    const std::vector paths(3, path);
    std::vector<netns::PathMtu> answers;
    {
        const NoDescriptors none;
        answers = netns::path_mtus(*here, paths);
    }
    BOOST_REQUIRE(answers.size() == paths.size());
    for (const auto& answer : answers) {
        BOOST_TEST(!answer.has_value());
        BOOST_TEST((answer ? 0 : answer.error().code) == EMFILE);
    }
}

BOOST_AUTO_TEST_SUITE_END()
