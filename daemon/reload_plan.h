// What a configuration that was read again changes: decided here, done by Routers.
#pragma once

#include "daemon/configuration.h"
#include "policy/connection_changes.h"

#include <string>
#include <vector>

namespace viaduct::daemon {

enum class RouterAction : std::uint8_t {
    start,       ///< a new file
    stop,        ///< its file is gone
    move,        ///< another namespace or other ports: stop and start
    reconfigure, ///< connections differ
    keep,        ///< nothing differs
    keep_broken, ///< its file cannot be carried out or found: it goes on as it was
};

struct RouterStep {
    RouterAction action = RouterAction::keep;
    /// For stop and keep_broken as it runs, else as it is to be.
    ConfiguredRouter wanted;
    policy::ConnectionChanges changes;
};

struct ReloadPlan {
    /// The running routers in their order, then those that start.
    std::vector<RouterStep> steps;
    /// Of the files, and of routers that cannot start because a kept one has their name or
    /// namespace.
    std::vector<policy::FileMistake> mistakes;
};

ReloadPlan plan_reload(const std::vector<ConfiguredRouter>& running, Configuration wanted);

} // namespace viaduct::daemon
