// The command line of viaduct.
#pragma once

#include "daemon/control_request.h"

#include <expected>
#include <filesystem>
#include <span>
#include <string>

namespace viaduct::daemon {

struct ClientOptions {
    enum class Action : std::uint8_t { request, show_help, show_version };

    Action action = Action::request;
    ControlRequest request;
    std::filesystem::path control;
    /// Print the daemon's JSON instead of text.
    bool json = false;
    /// Show the last messages and the endpoints' details too.
    bool verbose = false;
};

/// The arguments behind the program's name. The error is one line.
std::expected<ClientOptions, std::string>
parse_client_options(std::span<const std::string> arguments);

std::string client_help();

} // namespace viaduct::daemon
