#include "daemon/connection_drift.h"

#include "daemon/one_line.h"

#include <algorithm>

namespace viaduct::daemon {

namespace {

using ike::ConnectionState;

std::string remedy_of(ConnectionState state) {
    switch (state) {
    case ConnectionState::waiting: return "it is tried again by itself";
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
    return {"connection down", std::move(name), remedy_of(connection.state)};
}

} // namespace

std::vector<ConnectionDrift> connection_drift(const policy::ConnectionSet& wanted,
                                              const ike::EndpointStatus& status) {
    std::vector<ConnectionDrift> drift;
    for (const auto& connection : wanted.connections) {
        const auto found =
            std::ranges::find(status.connections, connection.name, &ike::ConnectionStatus::name);
        if (connection.start != policy::StartAction::initiate ||
            found == status.connections.end() || found->state == ConnectionState::up) {
            continue;
        }
        drift.push_back(
            {connection.name, report_of(*found), found->state == ConnectionState::waiting});
    }
    return drift;
}

} // namespace viaduct::daemon
