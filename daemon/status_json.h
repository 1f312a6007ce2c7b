// The status as JSON text, both ways.
#pragma once

#include "daemon/status_report.h"

#include <boost/json/value.hpp>

#include <expected>
#include <string>

namespace viaduct::daemon {

boost::json::value to_json(const StatusReport& report);
/// The error is one line.
std::expected<StatusReport, std::string> status_from_json(const boost::json::value& value);

/// Indented by two blanks, ending with a line break.
std::string indented(const boost::json::value& value);

} // namespace viaduct::daemon
