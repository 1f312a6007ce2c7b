// What the protocol machine reports, as lines of the log.
#pragma once

#include "daemon/log_levels.h"
#include "ike/report.h"

#include <string>

namespace viaduct::daemon {

struct ReportLine {
    LogLevel level = LogLevel::info;
    std::string text;
    std::string connection;
    /// Of the IKE SA (initiator's_responder's) or the child SA (inbound); empty: none.
    std::string spi;
    /// Further lines, empty but for messages.
    std::string details;
};

/// `now` tells how far off a retry is.
ReportLine report_line(const ike::ReportEvent& event, ike::TimePoint now);

/// Whether anybody can cause such an event without being authenticated, as often as he likes.
bool may_come_from_anybody(const ike::ReportEvent& event);

} // namespace viaduct::daemon
