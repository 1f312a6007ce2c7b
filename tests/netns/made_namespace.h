// A network namespace of a test's own.
#pragma once

#include "netns/file_descriptor.h"
#include "netns/network_namespace.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <sys/types.h>

namespace viaduct::test {

/// A precondition of suites: whether namespaces can be made here; says so when not.
boost::test_tools::assertion_result namespaces_can_be_made(boost::unit_test::test_unit_id);

/// A new namespace without a name, held by nothing but this object's descriptor.
class MadeNamespace {
public:
    MadeNamespace();

    netns::NetworkNamespace open() const;
    /// A path to it, for as long as the object holds it.
    std::string path() const;
    /// Runs a command of a shell there and demands that it succeeds.
    void run(const std::string& command) const;
    /// Gives it up.
    void drop() { file_ = netns::FileDescriptor(); }

private:
    netns::FileDescriptor file_;
};

} // namespace viaduct::test
