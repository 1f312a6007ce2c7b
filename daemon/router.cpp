#include "daemon/router.h"

#include "daemon/descriptor_limit.h"

#include <cerrno>
#include <utility>

namespace viaduct::daemon {

namespace {

using Clock = std::chrono::steady_clock;

/// Between attempts to start a router whose namespace is there.
constexpr auto start_interval = std::chrono::seconds(5);
/// No error number.
constexpr int went_away = -1;

} // namespace

Router::Router(ConfiguredRouter wanted, const RouterSurroundings& surroundings,
               NamespaceClaims& claims)
    : wanted_(std::move(wanted)),
      surroundings_(surroundings),
      claims_(claims),
      since_(Clock::now()),
      next_start_(since_) {}

void Router::log(LogLevel level, const std::string& text) {
    surroundings_.log.write(LogArea::daemon, level, text, {.router = wanted_.router->name});
}

void Router::start() {
    begun_ = true;
    if (const auto started = try_start(); !started) {
        wait_because(started.error());
        return;
    }
    waiting_reason_.clear();
    absence_told_ = 0;
    since_ = Clock::now();
    log(LogLevel::info, "router is running");
}

std::expected<void, std::string> Router::try_start() {
    auto place = netns::NetworkNamespace::open(wanted_.router->netns);
    if (!place) {
        return std::unexpected(place.error().code == EMFILE
                                   ? descriptor_limit_reached(claims_.count())
                                   : place.error().to_string());
    }
    next_start_ = Clock::now() + start_interval;
    if (auto room = check_descriptor_room(place->descriptor(), claims_.count()); !room) {
        return room;
    }
    // One namespace may have several names.
    auto claim = claims_.claim(place->identity(), wanted_.router->name);
    if (!claim) {
        return std::unexpected("its namespace is that of router '" + claim.error() +
                               "'; a namespace can have one router");
    }
    auto started = RunningRouter::start(*wanted_.router, surroundings_, std::move(*place));
    if (!started) {
        return std::unexpected(std::move(started.error()));
    }
    claim_ = std::move(*claim);
    running_ = std::move(*started);
    return {};
}

void Router::wait_because(const std::string& reason) {
    if (reason == waiting_reason_) {
        return;
    }
    waiting_reason_ = reason;
    log(LogLevel::error, "router waits: " + reason);
}

void Router::close(const std::string& reason) {
    shut_down();
    running_->remove_all();
    running_->abandon();
    running_.reset();
    claim_.reset();
    since_ = Clock::now();
    wait_because(reason);
}

void Router::watch() {
    if (!begun_) {
        return;
    }
    const auto place = netns::NetworkNamespace::identity_of(wanted_.router->netns);
    if (running_ != nullptr) {
        if (!place) {
            close("its namespace went away: " + place.error().to_string());
            // Whether the name is unmounted, or removed too, is no news then.
            absence_told_ = went_away;
        } else if (*place != running_->namespace_identity()) {
            close("its namespace was replaced");
            start();
        } else {
            running_->watch_kernel();
        }
    } else if (!place) {
        if (absence_told_ != went_away && place.error().code != absence_told_) {
            wait_because(place.error().to_string());
            absence_told_ = place.error().code;
        }
        next_start_ = Clock::now();
    } else if (Clock::now() >= next_start_) {
        start();
    }
}

bool Router::on_namespace_changed() {
    if (!begun_) {
        // It will look itself.
        return true;
    }
    const auto place = netns::NetworkNamespace::identity_of(wanted_.router->netns);
    if (!place && place.error().code == EINVAL && running_ == nullptr) {
        return false;
    }
    next_start_ = Clock::now();
    watch();
    return running_ != nullptr || !place;
}

std::expected<void, std::string> Router::reconfigure(ConfiguredRouter wanted) {
    const auto& connections = wanted.router->connections;
    const bool same = wanted.router == wanted_.router || connections == wanted_.router->connections;
    std::expected<void, std::string> done;
    if (running_ != nullptr) {
        done = same ? running_->check_firewall() : running_->reconfigure(connections);
    }
    if (done || same) {
        wanted_ = std::move(wanted);
    }
    return done;
}

void Router::on_command(const ike::Command& command) {
    if (running_ != nullptr) {
        running_->on_command(command);
    }
}

void Router::shut_down() {
    on_command(ike::Shutdown{});
}

void Router::stop(GuardFate guard) {
    if (running_ == nullptr) {
        return;
    }
    shut_down();
    running_->remove_all();
    if (guard == GuardFate::goes) {
        if (const auto removed = running_->remove_firewall(); !removed) {
            log(LogLevel::error, "the firewall table stays: " + removed.error());
        }
    }
    running_.reset();
    claim_.reset();
    since_ = Clock::now();
    waiting_reason_ = "stopped";
}

std::optional<ike::EndpointStatus> Router::endpoint_status() const {
    return running_ == nullptr ? std::nullopt : std::optional(running_->status());
}

void Router::compare_kernel(DriftWatch::Use use, DriftWatch::OnDone done) {
    if (running_ == nullptr) {
        done(std::unexpected("it does not run: " + waiting_reason_));
        return;
    }
    running_->compare_kernel(use, std::move(done));
}

RouterReport Router::describe(const ClockReading& now) {
    RouterReport report;
    report.name = wanted_.router->name;
    report.netns = wanted_.router->netns;
    report.file = wanted_.file;
    report.since = past(now, since_);
    if (running_ != nullptr) {
        report.state = "running";
        running_->describe(report, *wanted_.router, now);
    } else {
        report.state = "waiting";
        report.reason = waiting_reason_;
        describe_waiting(report, *wanted_.router);
    }
    return report;
}

} // namespace viaduct::daemon
