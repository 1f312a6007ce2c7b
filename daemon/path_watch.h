// Follows the ways from a router to its peers: outer addresses that come and go, routes that
// change.
#pragma once

#include "daemon/namespace_events.h"
#include "daemon/router_surroundings.h"
#include "ike/input.h"
#include "netns/outer_path.h"
#include "policy/connection.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::daemon {

/// Costs nothing while nothing changes. After a change it looks at some connections in each turn of
/// the loop, and at all of them at most once a second.
class PathWatch {
public:
    /// `source`: what `local_address = "auto"` stands for now; else absent.
    using OnChange = std::function<void(const ike::PathChanged&,
                                        const std::optional<policy::IpAddress>& source)>;

    /// `place` outlives the object. `on_change` is called from follow() and from the loop.
    PathWatch(std::string router, const RouterSurroundings& surroundings,
              const netns::NetworkNamespace& place, OnChange on_change);
    PathWatch(const PathWatch&) = delete;
    PathWatch& operator=(const PathWatch&) = delete;
    ~PathWatch();

    /// These connections from now on. What is in the way of the first of them is told at once.
    void follow(const policy::ConnectionSet& connections);
    void on_name_resolved(const ike::NameResolved& resolved);

private:
    using Clock = std::chrono::steady_clock;
    struct Followed {
        std::string connection;
        /// Unspecified: whatever the route to the peer says.
        policy::IpAddress local;
        policy::PeerAddress peer;
        std::optional<ike::PathObstacle> obstacle;
        /// Of a peer whose address is known; absent: no route, or not looked at yet.
        std::optional<netns::OuterRoute> route;
        bool looked_at = false;
    };
    /// One look at all of them.
    struct Pass;

    void subscribe();
    void on_event();
    void run_at(Clock::time_point time);
    void continue_pass();
    void look_at(Followed& followed);
    std::optional<ike::PathObstacle> obstacle_of(const Followed& followed,
                                                 const std::optional<netns::OuterRoute>& route);
    bool is_usable(const policy::IpAddress& address);
    std::optional<policy::IpAddress> peer_address(const Followed& followed) const;
    std::optional<netns::OuterRoute> route_of(const Followed& followed);
    void tell(const Followed& followed);

    std::string router_;
    const RouterSurroundings& surroundings_;
    const netns::NetworkNamespace& place_;
    OnChange on_change_;
    NamespaceEvents::Subscription subscription_;
    std::vector<Followed> followed_;
    std::map<std::string, policy::IpAddress> resolved_;
    std::unique_ptr<Pass> pass_;
    /// Something happened since the pass began.
    bool again_ = false;
    Clock::time_point last_pass_;
    boost::asio::steady_timer timer_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
