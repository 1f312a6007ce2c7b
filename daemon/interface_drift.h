// What a router's interfaces lack, in an operator's words.
#pragma once

#include "daemon/drift_watch.h"
#include "netns/tunnel_interfaces.h"

#include <vector>

namespace viaduct::daemon {

/// `review` was made by a look, or by mending: then a request that failed says so.
std::vector<DriftReport> interface_drift(const netns::InterfaceReview& review);

} // namespace viaduct::daemon
