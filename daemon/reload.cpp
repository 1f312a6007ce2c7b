#include "daemon/reload.h"

#include "daemon/one_line.h"
#include "policy/weakness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace viaduct::daemon {

namespace {

std::string changes_text(const policy::ConnectionChanges& changes) {
    std::string text;
    const auto add = [&](std::string_view word, const std::vector<std::string>& names) {
        if (!names.empty()) {
            text += fmt::format("; {}: {}", word, fmt::join(names, ", "));
        }
    };
    add("added", changes.added);
    add("removed", changes.removed);
    std::vector<std::string> changed;
    changed.reserve(changes.changed.size());
    for (const auto& [name, sas] : changes.changed) {
        changed.push_back(name + " (" + sas.to_string() + ")");
    }
    add("changed", changed);
    add("kept", changes.kept);
    return text;
}

void warn_of_weakness(LogWriter& log, const RouterStep& step) {
    auto names = step.changes.added;
    for (const auto& changed : step.changes.changed) {
        names.push_back(changed.name);
    }
    for (const auto& name : names) {
        const auto* connection = step.wanted.router->connections.find(name);
        for (const auto& weakness :
             connection != nullptr ? policy::weaknesses(*connection) : std::vector<std::string>()) {
            log.write(LogArea::policy, LogLevel::warn, "weak configuration: " + weakness,
                      {.router = step.wanted.router->name, .connection = name});
        }
    }
}

} // namespace

std::string_view to_string(RouterAction action) {
    switch (action) {
    case RouterAction::start: return "added";
    case RouterAction::stop: return "removed";
    case RouterAction::move: return "moved to another namespace or other ports";
    case RouterAction::reconfigure: return "reconfigured";
    case RouterAction::keep: return "unchanged";
    case RouterAction::keep_broken: break;
    }
    return "kept as it was, see the mistakes";
}

std::string count_text(const ReloadPlan& plan) {
    std::size_t routers = 0;
    std::size_t connections = 0;
    for (const auto& step : plan.steps) {
        if (step.action != RouterAction::stop) {
            ++routers;
            connections += step.wanted.router->connections.connections.size();
        }
    }
    return count_of(routers, "router") + ", " + count_of(connections, "connection");
}

ReloadPlan Reload::run_one(const std::string& router) {
    const auto* const running = routers_.find_router(router);
    const auto file_now = running == nullptr ? std::string() : running->wanted().file;
    auto plan = routers_.apply_one(router, files_.read_one(router, file_now));
    tell(plan);
    return plan;
}

ReloadPlan Reload::run() {
    auto plan = routers_.apply(files_.read());
    tell(plan);
    const bool absent = !only_.empty() && routers_.find(only_).empty();
    if (plan.steps.empty() || absent) {
        const auto what = absent ? "no connection '" + only_ + "'" : std::string("no router");
        log_.write(LogArea::daemon, LogLevel::warn,
                   what + " is configured in " + files_.where().string() +
                       "; waiting for a reload");
    }
    return plan;
}

void Reload::tell(const ReloadPlan& plan) {
    for (const auto& mistake : plan.mistakes) {
        log_.write(LogArea::policy, LogLevel::error, mistake.to_string());
    }
    for (const auto& step : plan.steps) {
        const bool is_kept = step.action == RouterAction::keep;
        if (is_kept && !log_.shows(LogArea::daemon, LogLevel::debug)) {
            continue;
        }
        const auto level = is_kept ? LogLevel::debug : LogLevel::info;
        const std::string text(to_string(step.action));
        log_.write(LogArea::daemon, level, "router " + text + changes_text(step.changes),
                   {.router = step.wanted.router->name});
        warn_of_weakness(log_, step);
    }
}

} // namespace viaduct::daemon
