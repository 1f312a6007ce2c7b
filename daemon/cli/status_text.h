// The status as an engineer reads it.
#pragma once

#include "daemon/status_report.h"

#include <string>

namespace viaduct::daemon {

enum class StatusDetail : std::uint8_t { brief, verbose };

std::string status_text(const StatusReport& report, StatusDetail detail);

/// `45s`, `3m12s`, `7h05m`, `2d04h`.
std::string short_duration(double seconds);
/// `312 B`, `1.2 KiB`, `3.4 MiB`.
std::string short_size(std::uint64_t octets);

} // namespace viaduct::daemon
