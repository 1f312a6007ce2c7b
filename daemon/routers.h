// The routers of this node.
#pragma once

#include "daemon/reload_plan.h"
#include "daemon/router.h"

#include <boost/asio/steady_timer.hpp>

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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

    /// Starts, stops and reconfigures what the configuration changes, and says what that was.
    ReloadPlan apply(Configuration wanted);
    /// Looks after the namespaces once a second, from now on.
    void watch();
    /// Closes every router: peers are told and given two seconds to confirm, what was made is taken
    /// out, then `done` is called. Called again, it waits no longer.
    void stop(std::function<void()> done);

    /// What `NAME` or `ROUTER/NAME` stands for.
    std::vector<ConnectionName> find(std::string_view name) const;
    Router* find_router(std::string_view name);
    /// Of one router, of connections as find() has them, or of everything when `name` is empty.
    std::vector<RouterReport> describe(std::string_view name, const ClockReading& now);

private:
    std::vector<ConfiguredRouter> configured() const;
    void stop_router(const std::string& name);
    std::expected<void, std::string> execute(const RouterStep& step);
    /// The router that runs in the namespace; empty: none.
    std::string holder(netns::NetworkNamespace::Identity place) const;
    void wait_for_peers(std::chrono::steady_clock::time_point until, std::function<void()> done);

    const RouterSurroundings& surroundings_;
    std::vector<std::unique_ptr<Router>> routers_;
    boost::asio::steady_timer watch_timer_;
    bool stopping_ = false;
};

} // namespace viaduct::daemon
