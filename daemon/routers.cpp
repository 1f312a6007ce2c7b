#include "daemon/routers.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <ranges>
#include <utility>

namespace viaduct::daemon {

namespace {

constexpr auto watch_interval = std::chrono::milliseconds(80);
constexpr std::size_t turns_to_watch_all = 10;
/// What one turn of the loop may spend on routers that start; meanwhile the others wait.
constexpr auto slice = std::chrono::milliseconds(10);

} // namespace

Routers::Routers(const RouterSurroundings& surroundings)
    : surroundings_(surroundings),
      arrivals_(
          surroundings.loop, surroundings.log,
          [this](const std::string& name) { return on_namespace_changed(name); },
          [this] { watch_everything(); }),
      watch_timer_(surroundings.loop) {}

std::vector<ConfiguredRouter> Routers::configured() const {
    std::vector<ConfiguredRouter> result;
    result.reserve(routers_.size());
    for (const auto& router : routers_ | std::views::values) {
        result.push_back(router->wanted());
    }
    return result;
}

ReloadPlan Routers::apply(Configuration wanted) {
    return stopping_ ? ReloadPlan() : carry_out(plan_reload(configured(), std::move(wanted)));
}

ReloadPlan Routers::apply_one(const std::string& name, Configuration wanted) {
    if (stopping_) {
        return {};
    }
    std::erase_if(wanted.routers, [&](const ConfiguredRouter& each) {
        const auto holder = by_namespace_.find(each.router->netns);
        if (holder == by_namespace_.end() || holder->second == name) {
            return false;
        }
        wanted.mistakes.push_back({.file = each.file,
                                   .message = "its namespace belongs to router '" + holder->second +
                                              "' of " +
                                              find_router(holder->second)->wanted().file});
        wanted.broken_files.push_back(each.file);
        return true;
    });
    std::vector<ConfiguredRouter> running;
    if (const auto* const router = find_router(name)) {
        running.push_back(router->wanted());
    }
    return carry_out(plan_reload(running, std::move(wanted)));
}

ReloadPlan Routers::carry_out(ReloadPlan plan) {
    // All stops before the first start: a namespace may change hands.
    for (const auto& step : plan.steps) {
        if (step.action == RouterAction::stop || step.action == RouterAction::move) {
            stop_router(step.wanted.router->name, guard_fate(plan, step.wanted.router->name));
        }
    }
    for (auto& step : plan.steps) {
        if (const auto done = execute(step); !done) {
            const auto& running = find_router(step.wanted.router->name)->wanted();
            plan.mistakes.push_back(
                {.file = step.wanted.file, .message = "cannot be carried out: " + done.error()});
            step = {RouterAction::keep_broken, running,
                    policy::unchanged(running.router->connections)};
        }
    }
    if (!starting_) {
        start_some();
    }
    return plan;
}

void Routers::start_some() {
    if (stopping_) {
        return;
    }
    const auto until = std::chrono::steady_clock::now() + slice;
    while (!to_start_.empty() && std::chrono::steady_clock::now() < until) {
        auto* const router = find_router(to_start_.front());
        to_start_.pop_front();
        // It may have gone meanwhile, or stand there twice.
        if (router != nullptr && !router->is_running()) {
            router->start();
        }
    }
    starting_ = !to_start_.empty();
    if (starting_) {
        boost::asio::post(surroundings_.loop, [this] { start_some(); });
        return;
    }
    for (auto& done : std::exchange(when_started_, {})) {
        // One of them may be a reload.
        when_started(std::move(done));
    }
}

void Routers::when_started(std::function<void()> done) {
    if (!starting_) {
        done();
        return;
    }
    when_started_.push_back(std::move(done));
}

/// The table of a router that stops stays where another is about to replace it, so that there is no
/// moment without a guard.
GuardFate Routers::guard_fate(const ReloadPlan& plan, const std::string& name) {
    const auto* const router = find_router(name);
    const auto place = netns::NetworkNamespace::identity_of(
        router == nullptr ? "" : router->wanted().router->netns);
    const auto takes_over = [&](const RouterStep& step) {
        if (step.action != RouterAction::start && step.action != RouterAction::move) {
            return false;
        }
        const auto wanted = netns::NetworkNamespace::identity_of(step.wanted.router->netns);
        return place && wanted && *wanted == *place;
    };
    return std::ranges::any_of(plan.steps, takes_over) ? GuardFate::stays : GuardFate::goes;
}

void Routers::stop_router(const std::string& name, GuardFate guard) {
    if (auto* router = find_router(name)) {
        router->stop(guard);
        by_namespace_.erase(router->wanted().router->netns);
        routers_.erase(name);
    }
}

std::expected<void, std::string> Routers::execute(const RouterStep& step) {
    switch (step.action) {
    case RouterAction::start:
    case RouterAction::move: add_router(step.wanted); break;
    case RouterAction::reconfigure:
    case RouterAction::keep:
        // Also a kept router may have moved to another file.
        return find_router(step.wanted.router->name)->reconfigure(step.wanted);
    case RouterAction::stop:
    case RouterAction::keep_broken: break;
    }
    return {};
}

void Routers::add_router(const ConfiguredRouter& wanted) {
    const auto& name = wanted.router->name;
    auto& router = routers_[name];
    router = std::make_unique<Router>(wanted, surroundings_, claims_);
    by_namespace_[wanted.router->netns] = name;
    to_start_.push_back(name);
}

void Routers::watch() {
    arrivals_.begin();
    watch_next();
}

bool Routers::on_namespace_changed(const std::string& name) {
    const auto found = by_namespace_.find(name);
    return found == by_namespace_.end() || find_router(found->second)->on_namespace_changed();
}

void Routers::watch_everything() {
    for (const auto& router : routers_ | std::views::values) {
        router->on_namespace_changed();
    }
}

void Routers::watch_next() {
    const auto until = std::chrono::steady_clock::now() + slice;
    bool late = false;
    auto next = routers_.upper_bound(watched_last_);
    for (auto left = routers_.size() / turns_to_watch_all + 1; left > 0 && !late; --left, ++next) {
        if (next == routers_.end()) {
            watched_last_.clear();
            break;
        }
        next->second->watch();
        watched_last_ = next->first;
        // Many namespaces may have come back.
        late = std::chrono::steady_clock::now() >= until;
    }
    watch_timer_.expires_after(late ? std::chrono::milliseconds(0) : watch_interval);
    watch_timer_.async_wait([this](const auto& error) {
        if (!error && !stopping_) {
            watch_next();
        }
    });
}

void Routers::stop(std::function<void()> done) {
    const auto patience = std::chrono::seconds(stopping_ ? 0 : 2);
    stopping_ = true;
    to_start_.clear();
    arrivals_.end();
    for (const auto& router : routers_ | std::views::values) {
        router->shut_down();
    }
    wait_for_peers(std::chrono::steady_clock::now() + patience, std::move(done));
}

void Routers::wait_for_peers(std::chrono::steady_clock::time_point until,
                             std::function<void()> done) {
    const bool quiet = std::ranges::all_of(routers_ | std::views::values,
                                           [](const auto& router) { return router->is_quiet(); });
    if (quiet || std::chrono::steady_clock::now() >= until) {
        watch_timer_.cancel();
        std::ranges::for_each(routers_ | std::views::values,
                              [](const auto& router) { router->stop(GuardFate::stays); });
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
    for (const auto& router : routers_ | std::views::values) {
        const auto& configured = *router->wanted().router;
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
    const auto found = routers_.find(name);
    return found == routers_.end() ? nullptr : found->second.get();
}

std::vector<Router*> Routers::named(std::string_view name) {
    std::vector<Router*> result;
    for (const auto& [router_name, router] : routers_) {
        if (name.empty() || router_name == name) {
            result.push_back(router.get());
        }
    }
    return result;
}

std::vector<RouterReport> Routers::describe(std::string_view name, const ClockReading& now) {
    std::vector<RouterReport> result;
    for (const auto& router : routers_ | std::views::values) {
        const auto& router_name = router->wanted().router->name;
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
