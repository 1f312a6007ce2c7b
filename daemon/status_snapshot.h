// From what a router's endpoint and kernel say to what is reported.
#pragma once

#include "daemon/clock_reading.h"
#include "daemon/configuration.h"
#include "daemon/status_report.h"
#include "ike/status.h"
#include "policy/firewall_rules.h"

#include <functional>

namespace viaduct::daemon {

PastMoment past(const ClockReading& now, ike::TimePoint moment);
ComingMoment coming(const ClockReading& now, ike::TimePoint moment);
/// `2026-11-23T08:44:00Z`.
std::string rfc3339(std::chrono::system_clock::time_point moment);

using ReadCounters = std::function<std::optional<policy::ChildSaCounters>(policy::ChildSaId)>;

GuardReport guard_report(const policy::GuardCounters& counters);

/// Fills connections, counters and refusals of `report`.
void describe_endpoint(RouterReport& report, const policy::Router& configured,
                       const ike::EndpointStatus& status, const ReadCounters& read_counters,
                       const ClockReading& now);

/// The connections of a router that does not run, all down.
void describe_waiting(RouterReport& report, const policy::Router& configured);

} // namespace viaduct::daemon
