// Text from anywhere, made fit for a line of a terminal and a log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace viaduct::daemon {

/// The text with everything but printable ASCII as `\xNN` (a line break as `\n`), and three dots
/// where it was cut to `limit` octets. Backslashes stay: texts that were escaped before keep their
/// looks.
std::string one_line(std::string_view text, std::size_t limit = 1000);

/// `1 router`, `2 routers`.
std::string count_of(std::size_t count, std::string_view noun);

} // namespace viaduct::daemon
