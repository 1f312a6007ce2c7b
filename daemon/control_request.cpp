#include "daemon/control_request.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace viaduct::daemon {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 8> command_names{"status",  "up",    "down", "reload",
                                                        "version", "rekey", "plan", "repair"};
constexpr unsigned longest_wait = 3600;

std::string read_command(ControlRequest& request, const json::value& value) {
    const auto* text = value.if_string();
    const auto* found = text == nullptr ? command_names.end()
                                        : std::ranges::find(command_names, std::string_view(*text));
    if (found == command_names.end()) {
        return "unknown command";
    }
    request.command = static_cast<ControlCommand>(found - command_names.begin());
    return {};
}

std::string read_name(ControlRequest& request, const json::value& value) {
    const auto* text = value.if_string();
    if (text == nullptr || text->size() > 512) {
        return "name is not a text of at most 512 octets";
    }
    request.name = *text;
    return {};
}

std::string read_wait(ControlRequest& request, const json::value& value) {
    const auto* wait = value.if_bool();
    if (wait == nullptr) {
        return "wait is neither true nor false";
    }
    request.wait = *wait;
    return {};
}

std::string read_ike(ControlRequest& request, const json::value& value) {
    const auto* ike = value.if_bool();
    if (ike == nullptr) {
        return "ike is neither true nor false";
    }
    request.ike = *ike;
    return {};
}

std::string read_timeout(ControlRequest& request, const json::value& value) {
    const auto* seconds = value.if_int64();
    if (seconds == nullptr || *seconds < 1 || *seconds > longest_wait) {
        return "timeout is not between 1 and 3600 seconds";
    }
    request.timeout = static_cast<unsigned>(*seconds);
    return {};
}

std::string read_member(ControlRequest& request, std::string_view key, const json::value& value) {
    if (key == "command") {
        return read_command(request, value);
    }
    if (key == "name") {
        return read_name(request, value);
    }
    if (key == "wait") {
        return read_wait(request, value);
    }
    if (key == "ike") {
        return read_ike(request, value);
    }
    return key == "timeout" ? read_timeout(request, value) : "unknown key in the request";
}

} // namespace

std::string ControlRequest::to_line() const {
    json::object object{{"command", command_names[static_cast<std::size_t>(command)]}};
    if (!name.empty()) {
        object["name"] = name;
    }
    if (command == ControlCommand::up) {
        object["wait"] = wait;
        object["timeout"] = timeout;
    }
    if (command == ControlCommand::rekey) {
        object["ike"] = ike;
    }
    return json::serialize(object);
}

std::expected<ControlRequest, std::string> parse_control_request(std::string_view line) {
    boost::system::error_code error;
    const auto value = json::parse(line, error);
    const auto* object = error ? nullptr : value.if_object();
    if (object == nullptr || !object->contains("command")) {
        return std::unexpected("not a JSON object with a command");
    }
    ControlRequest request;
    for (const auto& member : *object) {
        if (auto mistake = read_member(request, member.key(), member.value()); !mistake.empty()) {
            return std::unexpected(std::move(mistake));
        }
    }
    const bool needs_name = request.command == ControlCommand::up ||
                            request.command == ControlCommand::down ||
                            request.command == ControlCommand::rekey;
    if (needs_name && request.name.empty()) {
        return std::unexpected("up, down and rekey need the name of a connection");
    }
    return request;
}

} // namespace viaduct::daemon
