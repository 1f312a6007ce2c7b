#include "daemon/routers.h"

#include <algorithm>

namespace viaduct::daemon {

Routers::Routers(const RouterSurroundings& surroundings)
    : surroundings_(surroundings), watch_timer_(surroundings.loop) {}

std::vector<ConfiguredRouter> Routers::configured() const {
    std::vector<ConfiguredRouter> result;
    result.reserve(routers_.size());
    for (const auto& router : routers_) {
        result.push_back(router->wanted());
    }
    return result;
}

ReloadPlan Routers::apply(Configuration wanted) {
    if (stopping_) {
        return {};
    }
    auto plan = plan_reload(configured(), std::move(wanted));
    // All stops before the first start: a namespace may change hands.
    for (const auto& step : plan.steps) {
        if (step.action == RouterAction::stop || step.action == RouterAction::move) {
            stop_router(step.wanted.router.name);
        }
    }
    for (auto& step : plan.steps) {
        if (const auto done = execute(step); !done) {
            const auto& running = find_router(step.wanted.router.name)->wanted();
            plan.mistakes.push_back(
                {.file = step.wanted.file, .message = "cannot be carried out: " + done.error()});
            const auto& connections = running.router.connections;
            step = {RouterAction::keep_broken, running, policy::compare(connections, connections)};
        }
    }
    std::ranges::sort(routers_, {},
                      [](const auto& router) { return router->wanted().router.name; });
    return plan;
}

void Routers::stop_router(const std::string& name) {
    if (auto* router = find_router(name)) {
        router->stop();
        std::erase_if(routers_, [&](const auto& other) { return other.get() == router; });
    }
}

std::expected<void, std::string> Routers::execute(const RouterStep& step) {
    switch (step.action) {
    case RouterAction::start:
    case RouterAction::move:
        routers_.push_back(std::make_unique<Router>(
            step.wanted, surroundings_, [this](const auto& place) { return holder(place); }));
        routers_.back()->start();
        break;
    case RouterAction::reconfigure:
    case RouterAction::keep:
        // Also a kept router may have moved to another file.
        return find_router(step.wanted.router.name)->reconfigure(step.wanted);
    case RouterAction::stop:
    case RouterAction::keep_broken: break;
    }
    return {};
}

std::string Routers::holder(netns::NetworkNamespace::Identity place) const {
    const auto found = std::ranges::find_if(
        routers_, [&](const auto& router) { return router->namespace_identity() == place; });
    return found == routers_.end() ? std::string() : (*found)->wanted().router.name;
}

void Routers::watch() {
    watch_timer_.expires_after(std::chrono::seconds(1));
    watch_timer_.async_wait([this](const auto& error) {
        if (error || stopping_) {
            return;
        }
        for (const auto& router : routers_) {
            router->watch();
        }
        watch();
    });
}

void Routers::stop(std::function<void()> done) {
    const auto patience = std::chrono::seconds(stopping_ ? 0 : 2);
    stopping_ = true;
    for (const auto& router : routers_) {
        router->shut_down();
    }
    wait_for_peers(std::chrono::steady_clock::now() + patience, std::move(done));
}

void Routers::wait_for_peers(std::chrono::steady_clock::time_point until,
                             std::function<void()> done) {
    const bool quiet =
        std::ranges::all_of(routers_, [](const auto& router) { return router->is_quiet(); });
    if (quiet || std::chrono::steady_clock::now() >= until) {
        watch_timer_.cancel();
        std::ranges::for_each(routers_, [](const auto& router) { router->stop(); });
        routers_.clear();
        done();
        return;
    }
    watch_timer_.expires_after(std::chrono::milliseconds(10));
    watch_timer_.async_wait([this, until, done = std::move(done)](const auto& error) {
        if (!error) {
            wait_for_peers(until, done);
        }
    });
}

std::vector<ConnectionName> Routers::find(std::string_view name) const {
    std::vector<ConnectionName> result;
    for (const auto& router : routers_) {
        const auto& configured = router->wanted().router;
        for (const auto& connection : configured.connections.connections) {
            const ConnectionName full{configured.name, connection.name};
            if (connection.name == name || full.to_string() == name) {
                result.push_back(full);
            }
        }
    }
    return result;
}

Router* Routers::find_router(std::string_view name) {
    const auto found = std::ranges::find_if(
        routers_, [&](const auto& router) { return router->wanted().router.name == name; });
    return found == routers_.end() ? nullptr : found->get();
}

std::vector<RouterReport> Routers::describe(std::string_view name, const ClockReading& now) {
    std::vector<RouterReport> result;
    for (const auto& router : routers_) {
        const auto& router_name = router->wanted().router.name;
        auto report = router->describe(now);
        if (!name.empty() && router_name != name) {
            std::erase_if(report.connections, [&](const ConnectionReport& connection) {
                return connection.name != name && router_name + "/" + connection.name != name;
            });
            if (report.connections.empty()) {
                continue;
            }
        }
        result.push_back(std::move(report));
    }
    return result;
}

} // namespace viaduct::daemon
