#include "daemon/operator_commands.h"

#include "daemon/connection_drift.h"
#include "daemon/one_line.h"
#include "daemon/status_json.h"
#include "daemon/version.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace viaduct::daemon {

namespace json = boost::json;

namespace {

std::string failure(std::string_view error, json::object more = {}) {
    json::object answer{{"ok", false}, {"error", error}};
    answer.insert(more.begin(), more.end());
    return json::serialize(answer);
}

std::string success(const ConnectionName& name, std::string_view state) {
    return json::serialize(json::object{
        {"ok", true}, {"router", name.router}, {"connection", name.connection}, {"state", state}});
}

json::object change_json(const RouterStep& step) {
    json::array changed;
    json::object consequences;
    for (const auto& [name, sas] : step.changes.changed) {
        changed.emplace_back(name);
        consequences[name] = sas.to_string();
    }
    return {{"router", step.wanted.router->name},
            {"file", step.wanted.file},
            {"action", to_string(step.action)},
            {"added", json::value_from(step.changes.added)},
            {"removed", json::value_from(step.changes.removed)},
            {"changed", std::move(changed)},
            {"consequences", std::move(consequences)},
            {"kept", json::value_from(step.changes.kept)}};
}

json::object differences_json(const std::string& router,
                              const std::expected<std::vector<DriftReport>, std::string>& found) {
    json::object result{{"router", router}};
    if (!found) {
        result["error"] = found.error();
        return result;
    }
    json::array differences;
    for (const auto& each : *found) {
        differences.push_back(
            json::object{{"kind", each.kind}, {"name", each.name}, {"remedy", each.remedy}});
    }
    result["differences"] = std::move(differences);
    return result;
}

/// Adds the connections that ought to be up, and begins those that wait for their next attempt
/// where that is what mends them.
void add_connection_drift(std::vector<DriftReport>& found, Router& router, DriftWatch::Use use) {
    const auto status = router.endpoint_status();
    if (!status) {
        return;
    }
    for (auto& each : connection_drift(router.wanted().router->connections, *status)) {
        if (use == DriftWatch::Use::mend && each.can_begin) {
            router.on_command(ike::Initiate{.connection = each.connection});
            each.report.remedy = "tried again now";
        }
        found.push_back(std::move(each.report));
    }
}

/// Collects what the routers say, and answers behind the last.
struct Collection {
    explicit Collection(ControlAnswer to) : answer(std::move(to)) {}
    Collection(const Collection&) = delete;
    Collection& operator=(const Collection&) = delete;
    ~Collection() {
        answer(json::serialize(json::object{{"ok", true}, {"routers", std::move(routers)}}));
    }
    json::array routers;
    ControlAnswer answer;
};

/// What an event means for somebody who waits for `connection`: an answer, or nothing yet.
std::optional<std::string> outcome(const ConnectionName& name, const ike::ReportEvent& event) {
    if (const auto* child = std::get_if<ike::ChildSaEstablished>(&event);
        child != nullptr && child->connection == name.connection) {
        return success(name, "up");
    }
    const auto* failed = std::get_if<ike::NegotiationFailed>(&event);
    if (failed != nullptr && failed->connection == name.connection &&
        failed->role == ike::Role::initiator) {
        return failure(name.to_string() + ": " + one_line(ike::to_string(failed->why)),
                       {{"code", ike::code(failed->why)}});
    }
    return std::nullopt;
}

} // namespace

OperatorCommands::OperatorCommands(boost::asio::io_context& loop, Routers& routers, Reload& reload,
                                   std::string kernel)
    : routers_(routers), reload_(reload), kernel_(std::move(kernel)), timer_(loop) {}

void OperatorCommands::on_request(std::string_view line, const ControlAnswer& answer) {
    const auto request = parse_control_request(line);
    if (!request) {
        answer(failure(request.error()));
        return;
    }
    switch (request->command) {
    // Also while routers await their turn to start; for the others they have to run.
    case ControlCommand::status: answer(status(*request)); break;
    case ControlCommand::version: answer(version()); break;
    default:
        routers_.when_started([this, request = *request, answer] { carry_out(request, answer); });
    }
}

void OperatorCommands::carry_out(const ControlRequest& request, const ControlAnswer& answer) {
    switch (request.command) {
    case ControlCommand::up: up(request, answer); break;
    case ControlCommand::down: answer(down(request)); break;
    case ControlCommand::reload: reload(request, answer); break;
    case ControlCommand::rekey: answer(rekey(request)); break;
    case ControlCommand::plan:
    case ControlCommand::repair: compare(request, answer); break;
    case ControlCommand::status:
    case ControlCommand::version: break;
    }
}

std::string OperatorCommands::status(const ControlRequest& request) {
    const auto now = ClockReading::now();
    StatusReport report;
    report.version = daemon::version();
    report.time = rfc3339(now.wall);
    report.started = past(now, started_.steady);
    report.kernel = kernel_;
    report.routers = routers_.describe(request.name, now);
    if (!request.name.empty() && report.routers.empty()) {
        return failure("there is no router or connection '" + request.name + "'");
    }
    return json::serialize(json::object{{"ok", true}, {"status", to_json(report)}});
}

std::string OperatorCommands::version() const {
    return json::serialize(json::object{{"ok", true}, {"version", daemon::version()}});
}

void OperatorCommands::reload(const ControlRequest& request, const ControlAnswer& answer) {
    const auto plan = request.name.empty() ? reload_.run() : reload_.run_one(request.name);
    if (!request.name.empty() && plan.steps.empty() && plan.mistakes.empty()) {
        answer(failure("there is no router '" + request.name + "', and no " + request.name +
                       ".toml in " + reload_.where().string()));
        return;
    }
    json::array routers;
    std::size_t unchanged = 0;
    for (const auto& step : plan.steps) {
        if (step.action == RouterAction::keep) {
            ++unchanged;
        } else {
            routers.push_back(change_json(step));
        }
    }
    json::array mistakes;
    for (const auto& mistake : plan.mistakes) {
        mistakes.emplace_back(mistake.to_string());
    }
    auto text = json::serialize(json::object{{"ok", true},
                                             {"routers", std::move(routers)},
                                             {"unchanged", unchanged},
                                             {"mistakes", std::move(mistakes)}});
    routers_.when_started([answer, text = std::move(text)] { answer(text); });
}

std::expected<ConnectionName, std::string>
OperatorCommands::one_connection(const std::string& name) {
    auto found = routers_.find(name);
    if (found.empty()) {
        return std::unexpected(failure("there is no connection '" + name + "'"));
    }
    if (found.size() > 1) {
        json::array candidates;
        for (const auto& candidate : found) {
            candidates.emplace_back(candidate.to_string());
        }
        return std::unexpected(failure("'" + name + "' stands for several connections",
                                       {{"candidates", std::move(candidates)}}));
    }
    const auto* router = routers_.find_router(found.front().router);
    if (!router->is_running()) {
        return std::unexpected(failure("router " + found.front().router +
                                       " is not running: " + router->waiting_reason()));
    }
    if (!state_of(found.front())) {
        return std::unexpected(failure(found.front().to_string() +
                                       " is not served: viaductd was started with --only"));
    }
    return found.front();
}

std::optional<ike::ConnectionStatus> OperatorCommands::status_of(const ConnectionName& name) {
    auto status = routers_.find_router(name.router)->endpoint_status();
    const auto found =
        std::ranges::find(status->connections, name.connection, &ike::ConnectionStatus::name);
    return found == status->connections.end() ? std::nullopt : std::optional(std::move(*found));
}

std::optional<ike::ConnectionState> OperatorCommands::state_of(const ConnectionName& name) {
    return status_of(name).transform([](const auto& status) { return status.state; });
}

std::string OperatorCommands::what_is_awaited(const ConnectionName& name) {
    const auto status = status_of(name);
    if (!status) {
        return {};
    }
    const auto begun = std::ranges::find(status->ike_sas, false, &ike::IkeSaStatus::established);
    return begun == status->ike_sas.end() ? std::string() : "; awaited: " + begun->state;
}

bool OperatorCommands::is_up(const ConnectionName& name) {
    return state_of(name) == ike::ConnectionState::up;
}

void OperatorCommands::up(const ControlRequest& request, const ControlAnswer& answer) {
    const auto name = one_connection(request.name);
    if (!name) {
        answer(name.error());
        return;
    }
    auto* router = routers_.find_router(name->router);
    if (is_up(*name)) {
        answer(success(*name, "up"));
        return;
    }
    if (request.wait) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(request.timeout);
        waiting_.push_back({*name, until, answer});
        look_after_waiting();
    }
    router->on_command(ike::Initiate{.connection = name->connection});
    if (!request.wait) {
        answer(success(*name, "negotiating"));
    }
}

std::string OperatorCommands::down(const ControlRequest& request) {
    const auto name = one_connection(request.name);
    if (!name) {
        return name.error();
    }
    routers_.find_router(name->router)->on_command(ike::Terminate{.connection = name->connection});
    return success(*name, "down");
}

void OperatorCommands::compare(const ControlRequest& request, const ControlAnswer& answer) {
    const auto routers = routers_.named(request.name);
    if (routers.empty() && !request.name.empty()) {
        answer(failure("there is no router '" + request.name + "'"));
        return;
    }
    const auto use =
        request.command == ControlCommand::plan ? DriftWatch::Use::look : DriftWatch::Use::mend;
    const auto collection = std::make_shared<Collection>(answer);
    for (auto* router : routers) {
        router->compare_kernel(
            use, [this, collection, use, name = router->wanted().router->name](auto found) {
                auto* const still_there = routers_.find_router(name);
                if (found && still_there != nullptr) {
                    add_connection_drift(*found, *still_there, use);
                }
                collection->routers.push_back(differences_json(name, found));
            });
    }
}

std::string OperatorCommands::rekey(const ControlRequest& request) {
    const auto name = one_connection(request.name);
    if (!name) {
        return name.error();
    }
    if (!is_up(*name)) {
        return failure(name->to_string() + " is not up: there is nothing to rekey");
    }
    using What = ike::Rekey::What;
    routers_.find_router(name->router)
        ->on_command(ike::Rekey{.connection = name->connection,
                                .what = request.ike ? What::ike_sas : What::child_sas});
    return success(*name, "rekeying");
}

void OperatorCommands::on_report(const std::string& router, const ike::ReportEvent& event) {
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        const auto answer =
            waiting.name.router == router ? outcome(waiting.name, event) : std::nullopt;
        if (answer) {
            waiting.answer(*answer);
        }
        return answer.has_value();
    });
}

void OperatorCommands::look_after_waiting() {
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        const auto* router = routers_.find_router(waiting.name.router);
        const bool running = router != nullptr && router->is_running();
        const bool over = std::chrono::steady_clock::now() >= waiting.until;
        if (!running) {
            waiting.answer(failure("router " + waiting.name.router + " stopped running"));
        } else if (over) {
            waiting.answer(failure(waiting.name.to_string() + ": still negotiating" +
                                   what_is_awaited(waiting.name)));
        }
        return over || !running;
    });
    if (waiting_.empty()) {
        return;
    }
    timer_.expires_after(std::chrono::milliseconds(500));
    timer_.async_wait([this](const auto& error) {
        if (!error) {
            look_after_waiting();
        }
    });
}

} // namespace viaduct::daemon
