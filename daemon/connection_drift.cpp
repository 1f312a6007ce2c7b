#include "daemon/connection_drift.h"

#include "daemon/one_line.h"

#include <algorithm>
#include <variant>

namespace viaduct::daemon {

namespace {

using ike::ConnectionState;

bool lacks_path(const ike::ConnectionStatus& connection) {
    return connection.reason && std::holds_alternative<ike::cause::NoPath>(*connection.reason);
}

std::string remedy_of(const ike::ConnectionStatus& connection) {
    switch (connection.state) {
    case ConnectionState::waiting:
        return lacks_path(connection) ? "it is tried once there is a way"
                                      : "it is tried again by itself";
    case ConnectionState::negotiating: return "it is being negotiated";
    case ConnectionState::ike_only: return "its child SA is asked for again";
    case ConnectionState::up:
    case ConnectionState::down: break;
    }
    return "nothing by itself: viaduct up";
}

DriftReport report_of(const ike::ConnectionStatus& connection) {
    auto name = connection.name;
    if (connection.reason) {
        name += ": " + one_line(ike::to_string(*connection.reason));
    }
    return {"connection down", std::move(name), remedy_of(connection)};
}

/// Without a child at all its connection says so itself.
void append_missing_children(std::vector<ConnectionDrift>& drift,
                             const ike::ConnectionStatus& connection) {
    if (connection.state != ConnectionState::up) {
        return;
    }
    for (const auto& child : connection.missing_children) {
        auto name = connection.name + ": " + policy::to_string(child.local) + " -> " +
                    policy::to_string(child.remote);
        if (connection.reason) {
            name += ": " + one_line(ike::to_string(*connection.reason));
        }
        drift.push_back({connection.name,
                         {"child SA missing", std::move(name), "it is asked for again by itself"}});
    }
}

} // namespace

std::vector<ConnectionDrift> connection_drift(const policy::ConnectionSet& wanted,
                                              const ike::EndpointStatus& status) {
    std::vector<ConnectionDrift> drift;
    for (const auto& connection : wanted.connections) {
        const auto found =
            std::ranges::find(status.connections, connection.name, &ike::ConnectionStatus::name);
        if (connection.start != policy::StartAction::initiate ||
            found == status.connections.end() || found->held_by_operator) {
            continue;
        }
        append_missing_children(drift, *found);
        if (found->state != ConnectionState::up) {
            drift.push_back({connection.name, report_of(*found),
                             found->state == ConnectionState::waiting && !lacks_path(*found)});
        }
    }
    return drift;
}

} // namespace viaduct::daemon
