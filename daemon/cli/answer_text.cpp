#include "daemon/cli/answer_text.h"

#include "daemon/cli/status_text.h"
#include "daemon/status_json.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace viaduct::daemon {

namespace json = boost::json;

namespace {

ClientOutput not_understood() {
    return {.exit_status = 3, .error = "the daemon's answer is not understood\n"};
}

std::string text_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(*text);
}

std::vector<std::string> list_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    auto list =
        value == nullptr
            ? json::result<std::vector<std::string>>(json::make_error_code(json::error::not_array))
            : json::try_value_to<std::vector<std::string>>(*value);
    return list.has_value() ? *list : std::vector<std::string>();
}

ClientOutput refusal(const json::object& answer) {
    std::string error = text_at(answer, "error") + "\n";
    for (const auto& candidate : list_at(answer, "candidates")) {
        error += "  " + candidate + "\n";
    }
    return {.exit_status = 1, .error = std::move(error)};
}

ClientOutput status_output(const ClientOptions& options, const json::object& answer) {
    const auto* value = answer.if_contains("status");
    if (value == nullptr) {
        return not_understood();
    }
    if (options.json) {
        return {.out = indented(*value)};
    }
    const auto report = status_from_json(*value);
    if (!report) {
        return {.exit_status = 3, .error = report.error() + "\n"};
    }
    const auto detail = options.verbose ? StatusDetail::verbose : StatusDetail::brief;
    return {.out = status_text(*report, detail)};
}

std::string change_line(const json::object& router) {
    std::string line =
        fmt::format("{:<16} {}", text_at(router, "router"), text_at(router, "action"));
    for (const std::string_view key : {"added", "removed", "changed", "kept"}) {
        const auto names = list_at(router, key);
        for (std::size_t i = 0; i < names.size(); ++i) {
            line += (i == 0 ? fmt::format("; {}: ", key) : ", ") + names[i];
        }
    }
    return line + "\n";
}

ClientOutput reload_output(const ClientOptions& options, const json::object& answer) {
    ClientOutput output;
    const auto mistakes = list_at(answer, "mistakes");
    output.exit_status = mistakes.empty() ? 0 : 1;
    if (options.json) {
        output.out = indented(answer);
        return output;
    }
    if (const auto* routers = answer.if_contains("routers");
        routers != nullptr && routers->is_array()) {
        for (const auto& router : routers->get_array()) {
            output.out += router.is_object() ? change_line(router.get_object()) : "";
        }
    }
    for (const auto& mistake : mistakes) {
        output.error += mistake + "\n";
    }
    return output;
}

ClientOutput connection_output(const ClientOptions& options, const json::object& answer) {
    if (options.json) {
        return {.out = indented(answer)};
    }
    return {.out = fmt::format("{}/{}: {}\n", text_at(answer, "router"),
                               text_at(answer, "connection"), text_at(answer, "state"))};
}

} // namespace

ClientOutput answer_text(const ClientOptions& options, const std::string& answer) {
    boost::system::error_code error;
    const auto value = json::parse(answer, error);
    const auto* object = error ? nullptr : value.if_object();
    const auto* ok = object == nullptr ? nullptr : object->if_contains("ok");
    if (ok == nullptr || !ok->is_bool()) {
        return not_understood();
    }
    if (!ok->get_bool()) {
        auto output = refusal(*object);
        output.out = options.json ? indented(value) : "";
        return output;
    }
    switch (options.request.command) {
    case ControlCommand::status: return status_output(options, *object);
    case ControlCommand::reload: return reload_output(options, *object);
    case ControlCommand::version: return {.out = "viaductd " + text_at(*object, "version") + "\n"};
    case ControlCommand::up:
    case ControlCommand::down:
    case ControlCommand::rekey: break;
    }
    return connection_output(options, *object);
}

} // namespace viaduct::daemon
