// One line from an operator's client, as a value. docs/status.md describes the lines.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace viaduct::daemon {

enum class ControlCommand : std::uint8_t { status, up, down, reload, version, rekey, plan, repair };

struct ControlRequest {
    ControlCommand command = ControlCommand::status;
    /// A router or connection for status, a connection for up, down and rekey, a router or nothing
    /// for reload, plan and repair.
    std::string name;
    /// For up: answer when the connection is up or has failed, not at once.
    bool wait = true;
    /// For up: seconds after which a wait ends.
    unsigned timeout = 60;
    /// For rekey: the IKE SAs, not the child SAs.
    bool ike = false;

    /// Without line break.
    std::string to_line() const;
};

/// Refuses anything that is not exactly a request: unknown keys, wrong types, missing names. The
/// error is one line.
std::expected<ControlRequest, std::string> parse_control_request(std::string_view line);

} // namespace viaduct::daemon
