#include "daemon/cli/answer_text.h"

#include "daemon/cli/status_text.h"
#include "daemon/one_line.h"
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
    const auto* value = router.if_contains("consequences");
    const auto* consequences = value == nullptr ? nullptr : value->if_object();
    for (const std::string_view key : {"added", "removed", "changed", "kept"}) {
        const auto names = list_at(router, key);
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto what = consequences == nullptr ? "" : text_at(*consequences, names[i]);
            line += (i == 0 ? fmt::format("; {}: ", key) : ", ") + names[i] +
                    (what.empty() ? "" : " (" + what + ")");
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
    const auto* unchanged = answer.if_contains("unchanged");
    if (unchanged != nullptr && unchanged->is_int64() && unchanged->get_int64() > 0) {
        const auto count = static_cast<std::size_t>(unchanged->get_int64());
        output.out += count_of(count, "router") + " unchanged\n";
    }
    for (const auto& mistake : mistakes) {
        output.error += mistake + "\n";
    }
    return output;
}

std::string difference_line(const json::object& difference) {
    return fmt::format("    {:<18} {}; {}\n", text_at(difference, "kind"),
                       text_at(difference, "name"), text_at(difference, "remedy"));
}

ClientOutput differences_output(const ClientOptions& options, const json::object& answer) {
    if (options.json) {
        return {.out = indented(answer)};
    }
    const auto* routers = answer.if_contains("routers");
    if (routers == nullptr || !routers->is_array()) {
        return not_understood();
    }
    ClientOutput output;
    for (const auto& value : routers->get_array()) {
        const auto* router = value.if_object();
        if (router == nullptr) {
            return not_understood();
        }
        const auto error = text_at(*router, "error");
        const auto* differences = router->if_contains("differences");
        const auto* list = differences == nullptr ? nullptr : differences->if_array();
        const bool none = list == nullptr || list->empty();
        output.out += text_at(*router, "router") +
                      (!error.empty() ? ": " + error
                       : none         ? ": as it was put there"
                                      : ":") +
                      "\n";
        for (const auto& difference : none ? json::array() : *list) {
            output.out += difference.is_object() ? difference_line(difference.get_object()) : "";
        }
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
    case ControlCommand::plan:
    case ControlCommand::repair: return differences_output(options, *object);
    case ControlCommand::version: return {.out = "viaductd " + text_at(*object, "version") + "\n"};
    case ControlCommand::up:
    case ControlCommand::down:
    case ControlCommand::rekey: break;
    }
    return connection_output(options, *object);
}

} // namespace viaduct::daemon
