#include "daemon/path_watch.h"

#include "ike/report.h"

#include <linux/netlink.h>

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

namespace {

/// Changes come in groups: an address, its routes, a default route.
constexpr auto settling_time = std::chrono::milliseconds(50);
constexpr auto shortest_interval = std::chrono::seconds(1);
constexpr std::size_t connections_per_turn = 64;

} // namespace

struct PathWatch::Pass {
    std::size_t next = 0;
    std::map<policy::IpAddress, bool> usable;
    std::optional<netns::RouteLookup> routes;
};

PathWatch::PathWatch(std::string router, const RouterSurroundings& surroundings,
                     const netns::NetworkNamespace& place, OnChange on_change)
    : router_(std::move(router)),
      surroundings_(surroundings),
      place_(place),
      on_change_(std::move(on_change)),
      last_pass_(Clock::now() - shortest_interval),
      timer_(surroundings.loop) {
    subscribe();
}

PathWatch::~PathWatch() = default;

void PathWatch::subscribe() {
    auto subscribed = surroundings_.events.subscribe(place_, NETLINK_ROUTE,
                                                     {.on_message =
                                                          [this](auto message) {
                                                              if (netns::path_event(message) !=
                                                                  netns::PathEvent::none) {
                                                                  on_event();
                                                              }
                                                          },
                                                      .on_lost = [this] { on_event(); }});
    if (subscribed) {
        subscription_ = std::move(*subscribed);
        return;
    }
    surroundings_.log.write(LogArea::netns, LogLevel::warn,
                            "changes of addresses and routes are not noticed: " +
                                subscribed.error().to_string(),
                            {.router = router_});
}

void PathWatch::follow(const policy::ConnectionSet& connections) {
    std::map<std::string, std::optional<ike::PathObstacle>, std::less<>> told;
    for (auto& followed : followed_) {
        told.emplace(std::move(followed.connection), followed.obstacle);
    }
    followed_.clear();
    for (const auto& connection : connections.connections) {
        followed_.push_back({.connection = connection.name,
                             .local = connection.local_address,
                             .peer = connection.peer_address,
                             .obstacle = {},
                             .route = {}});
        // What was in the way is told as open when it is.
        if (const auto before = told.find(connection.name); before != told.end()) {
            followed_.back().obstacle = before->second;
        }
    }
    pass_ = std::make_unique<Pass>();
    continue_pass();
}

void PathWatch::on_name_resolved(const ike::NameResolved& resolved) {
    if (!resolved.addresses.empty()) {
        resolved_[resolved.name] = resolved.addresses.front();
    }
}

void PathWatch::on_event() {
    if (pass_) {
        again_ = true;
        return;
    }
    pass_ = std::make_unique<Pass>();
    run_at(std::max(Clock::now() + settling_time, last_pass_ + shortest_interval));
}

void PathWatch::run_at(Clock::time_point time) {
    timer_.expires_at(time);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (!error && !alive.expired()) {
            continue_pass();
        }
    });
}

void PathWatch::continue_pass() {
    if (!pass_) {
        return; // follow() was faster
    }
    const auto end = std::min(followed_.size(), pass_->next + connections_per_turn);
    while (pass_->next < end) {
        look_at(followed_[pass_->next++]);
    }
    if (pass_->next < followed_.size()) {
        run_at(Clock::now());
        return;
    }
    last_pass_ = Clock::now();
    pass_.reset();
    if (std::exchange(again_, false)) {
        on_event();
    }
}

void PathWatch::look_at(Followed& followed) {
    const bool follows_route = followed.local.is_unspecified();
    std::optional<netns::OuterRoute> route;
    if (follows_route || is_usable(followed.local)) {
        route = route_of(followed);
    }
    const auto obstacle = obstacle_of(followed, route);
    const bool first = !std::exchange(followed.looked_at, true);
    const bool other_obstacle = obstacle != std::exchange(followed.obstacle, obstacle);
    const bool other_route =
        route != std::exchange(followed.route, route) && route && (!first || follows_route);
    // The protocol machine may have forgotten an obstacle with a connection that changed.
    if (other_obstacle || (first && obstacle) || (other_route && !obstacle)) {
        tell(followed);
    }
}

std::optional<ike::PathObstacle>
PathWatch::obstacle_of(const Followed& followed, const std::optional<netns::OuterRoute>& route) {
    using Kind = ike::PathObstacle::Kind;
    if (!followed.local.is_unspecified()) {
        return is_usable(followed.local)
                   ? std::nullopt
                   : std::optional(ike::PathObstacle{Kind::no_local_address, followed.local});
    }
    return route && route->source
               ? std::nullopt
               : std::optional(ike::PathObstacle{
                     Kind::no_route, peer_address(followed).value_or(policy::IpAddress())});
}

bool PathWatch::is_usable(const policy::IpAddress& address) {
    const auto [found, fresh] = pass_->usable.try_emplace(address, true);
    if (fresh) {
        const auto usable = netns::usable_addresses(place_, {&address, 1});
        // Where that cannot be found out, sending will tell.
        found->second = !usable || usable->front();
    }
    return found->second;
}

std::optional<policy::IpAddress> PathWatch::peer_address(const Followed& followed) const {
    if (const auto* address = std::get_if<policy::IpAddress>(&followed.peer)) {
        return *address;
    }
    const auto* const name = std::get_if<policy::PeerName>(&followed.peer);
    const auto found = name != nullptr ? resolved_.find(name->name) : resolved_.end();
    return found == resolved_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<netns::OuterRoute> PathWatch::route_of(const Followed& followed) {
    const auto peer = peer_address(followed);
    if (!peer || peer->family() != followed.local.family()) {
        return std::nullopt;
    }
    if (!pass_->routes) {
        auto routes = netns::RouteLookup::open(place_);
        if (!routes) {
            return std::nullopt;
        }
        pass_->routes = std::move(*routes);
    }
    const auto source =
        followed.local.is_unspecified() ? std::nullopt : std::optional(followed.local);
    return pass_->routes->towards(*peer, source).value_or(std::nullopt);
}

void PathWatch::tell(const Followed& followed) {
    const auto text = followed.obstacle ? ike::to_string(ike::cause::NoPath{*followed.obstacle})
                                        : "the way to the peer is open, or another than before";
    surroundings_.log.write(LogArea::netns, followed.obstacle ? LogLevel::warn : LogLevel::info,
                            text, {.router = router_, .connection = followed.connection});
    // By value: follow() may be called from there.
    const ike::PathChanged change{.connection = followed.connection, .obstacle = followed.obstacle};
    const bool follows_route = followed.local.is_unspecified();
    on_change_(change, follows_route && followed.route ? followed.route->source : std::nullopt);
}

} // namespace viaduct::daemon
