// Taking away what an ended daemon left in routers' namespaces (--remove-guard).
#pragma once

#include "daemon/configuration.h"

#include <ostream>

namespace viaduct::daemon {

enum class RemovalScope : std::uint8_t {
    configured, ///< the namespaces of configured routers
    everywhere, ///< also those under /run/netns, and the process's own
};

/// Takes out the leak guard's table, and the SAs and policies that a daemon which was killed left.
/// One line for each namespace where there was something, or where it could not be done; a
/// namespace that is not there has nothing. False when something stays.
bool remove_guards(const Configuration& configuration, RemovalScope scope, std::ostream& out);

} // namespace viaduct::daemon
