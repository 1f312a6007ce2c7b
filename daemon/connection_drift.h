// Connections that ought to be up and are not: what `viaduct plan` tells beside the kernel.
#pragma once

#include "daemon/drift_watch.h"
#include "ike/status.h"
#include "policy/connection.h"

#include <string>
#include <vector>

namespace viaduct::daemon {

struct ConnectionDrift {
    std::string connection;
    DriftReport report;
    /// It waits for its next attempt, which may be made now.
    bool can_begin = false;
};

/// Of the connections that we start ourselves (`start = "initiate"`) those that are not up, each
/// with why and with what comes of it by itself, and the child SAs that those with an IKE SA lack.
/// What the operator closed is as it ought to be. A pure function.
std::vector<ConnectionDrift> connection_drift(const policy::ConnectionSet& wanted,
                                              const ike::EndpointStatus& status);

} // namespace viaduct::daemon
