// The command line of viaductd.
#pragma once

#include "daemon/log_levels.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>

namespace viaduct::daemon {

/// What happens with the child SAs that were negotiated.
enum class KernelChoice : std::uint8_t { xfrm, dry_run, none };

/// Where the control socket is unless told otherwise, for daemon and client.
inline constexpr const char* default_control_path = "/run/viaduct/control.sock";

struct DaemonOptions {
    enum class Action : std::uint8_t { run, check, remove_guard, show_help, show_version };

    Action action = Action::run;
    std::filesystem::path config = "/etc/viaduct/routers/";
    bool foreground = false;
    /// The firewall tables have no owner.
    bool shared_table = false;
    /// Routers may be in /proc/PID/ns/net.
    bool process_namespaces = false;
    LogLevels log;
    KernelChoice kernel = KernelChoice::xfrm;
    std::uint16_t ike_port = 500;
    std::uint16_t nat_port = 4500;
    /// For remove_guard: also where no router is configured.
    bool everywhere = false;
    /// The one connection to serve; empty: all.
    std::string only;
    std::filesystem::path control = default_control_path;
    /// The group that may use the control socket; empty: root alone.
    std::string control_group;
};

/// The arguments behind the program's name. The error is one line.
std::expected<DaemonOptions, std::string>
parse_command_line(std::span<const std::string> arguments);

/// What --help prints.
std::string command_line_help();

} // namespace viaduct::daemon
