#include "tests/netns/made_namespace.h"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sched.h>

#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace viaduct::test {

boost::test_tools::assertion_result namespaces_can_be_made(boost::unit_test::test_unit_id) {
    bool made = false;
    std::thread([&] { made = ::unshare(CLONE_NEWNET) == 0; }).join();
    if (!made) {
        BOOST_TEST_MESSAGE("network namespaces cannot be made here");
    }
    return made;
}

MadeNamespace::MadeNamespace() {
    // The thread's end takes the test back; the descriptor keeps the namespace.
    std::thread([this] {
        if (::unshare(CLONE_NEWNET) == 0) {
            file_ = netns::FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        }
    }).join();
    BOOST_REQUIRE(file_.is_open());
}

std::string MadeNamespace::path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_.number());
}

netns::NetworkNamespace MadeNamespace::open() const {
    auto opened = netns::NetworkNamespace::open(path());
    BOOST_REQUIRE(opened.has_value());
    return std::move(*opened);
}

void MadeNamespace::run(const std::string& command) const {
    const std::string inside = "nsenter --net=" + path() + " sh -c '" + command + "'";
    BOOST_REQUIRE_EQUAL(std::system(inside.c_str()), 0);
}

} // namespace viaduct::test
