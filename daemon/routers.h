// The routers of this node.
#pragma once

#include "daemon/namespace_arrivals.h"
#include "daemon/namespace_claims.h"
#include "daemon/reload_plan.h"
#include "daemon/router.h"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace viaduct::daemon {

/// A connection by the router that it belongs to.
struct ConnectionName {
    std::string router;
    std::string connection;

    /// `router1/vpn2`.
    std::string to_string() const { return router + "/" + connection; }
};

class Routers {
public:
    explicit Routers(const RouterSurroundings& surroundings);

    /// Stops and reconfigures what the configuration changes, begins to start what it adds, and
    /// says what that was. Many routers start some at a time, so that those that run wait for none.
    ReloadPlan apply(Configuration wanted);
    /// The same of the router of this name alone; `wanted` has it or nothing.
    ReloadPlan apply_one(const std::string& name, Configuration wanted);
    /// Calls `done` when no router awaits its turn to start: at once, or later.
    void when_started(std::function<void()> done);
    /// Looks after the namespaces from now on: at once when a name below /run/netns comes or goes,
    /// within a second when any other place does.
    void watch();
    /// Closes every router: peers are told and given two seconds to confirm, what was made is taken
    /// out but for the firewall tables, then `done` is called. Called again, it waits no longer.
    void stop(std::function<void()> done);

    /// What `NAME` or `ROUTER/NAME` stands for.
    std::vector<ConnectionName> find(std::string_view name) const;
    Router* find_router(std::string_view name);
    /// Of all routers, or of the one with the name.
    std::vector<Router*> named(std::string_view name);
    /// Of one router, of connections as find() has them, or of everything when `name` is empty.
    std::vector<RouterReport> describe(std::string_view name, const ClockReading& now);

private:
    std::vector<ConfiguredRouter> configured() const;
    ReloadPlan carry_out(ReloadPlan plan);
    void add_router(const ConfiguredRouter& wanted);
    /// Starts as many as a slice of time allows and comes back for the others.
    void start_some();
    GuardFate guard_fate(const ReloadPlan& plan, const std::string& name);
    void stop_router(const std::string& name, GuardFate guard);
    std::expected<void, std::string> execute(const RouterStep& step);
    /// Answers whether it is dealt with, see NamespaceArrivals.
    bool on_namespace_changed(const std::string& name);
    void watch_everything();
    /// Looks after some routers and comes back; all have had their turn within a second.
    void watch_next();
    void wait_for_peers(std::chrono::steady_clock::time_point until, std::function<void()> done);

    const RouterSurroundings& surroundings_;
    NamespaceClaims claims_;
    std::map<std::string, std::unique_ptr<Router>, std::less<>> routers_;
    /// The routers' names by those of their namespaces.
    std::unordered_map<std::string, std::string> by_namespace_;
    /// The names of those that await their turn to start.
    std::deque<std::string> to_start_;
    bool starting_ = false;
    std::vector<std::function<void()>> when_started_;
    NamespaceArrivals arrivals_;
    boost::asio::steady_timer watch_timer_;
    /// The router that had its turn last.
    std::string watched_last_;
    bool stopping_ = false;
};

} // namespace viaduct::daemon
