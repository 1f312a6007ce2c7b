// The client's end of the control socket.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <string>

namespace viaduct::daemon {

/// Sends one line and waits for the one that answers it. The error is one line for an operator.
std::expected<std::string, std::string> ask_daemon(const std::filesystem::path& control,
                                                   const std::string& line,
                                                   std::chrono::seconds patience);

} // namespace viaduct::daemon
