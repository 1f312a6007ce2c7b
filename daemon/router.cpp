#include "daemon/router.h"

#include <utility>

namespace viaduct::daemon {

namespace {

using Clock = std::chrono::steady_clock;

/// Between attempts to start a router whose namespace is there.
constexpr auto start_interval = std::chrono::seconds(5);

} // namespace

Router::Router(ConfiguredRouter wanted, const RouterSurroundings& surroundings,
               NamespaceHolder holder)
    : wanted_(std::move(wanted)),
      surroundings_(surroundings),
      holder_(std::move(holder)),
      since_(Clock::now()),
      next_start_(since_) {}

void Router::log(LogLevel level, const std::string& text) {
    surroundings_.log.write(LogArea::daemon, level, text, {.router = wanted_.router.name});
}

void Router::start() {
    next_start_ = Clock::now() + start_interval;
    // One namespace may have several names.
    const auto place = netns::NetworkNamespace::identity_of(wanted_.router.netns);
    if (const auto holder = place ? holder_(*place) : std::string(); !holder.empty()) {
        wait_because("its namespace is that of router '" + holder +
                     "'; a namespace can have one router");
        return;
    }
    auto started = RunningRouter::start(wanted_.router, surroundings_);
    if (!started) {
        wait_because(started.error());
        return;
    }
    running_ = std::move(*started);
    waiting_reason_.clear();
    since_ = Clock::now();
    log(LogLevel::info, "router is running");
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
    running_.reset();
    since_ = Clock::now();
    wait_because(reason);
}

void Router::watch() {
    const auto place = netns::NetworkNamespace::identity_of(wanted_.router.netns);
    if (running_ != nullptr) {
        if (!place) {
            close("its namespace went away: " + place.error().to_string());
        } else if (*place != running_->namespace_identity()) {
            close("its namespace was replaced");
            start();
        } else {
            running_->guard(wanted_.router.connections);
        }
    } else if (!place) {
        wait_because(place.error().to_string());
        next_start_ = Clock::now();
    } else if (Clock::now() >= next_start_) {
        start();
    }
}

std::expected<void, std::string> Router::reconfigure(ConfiguredRouter wanted) {
    const auto& connections = wanted.router.connections;
    const bool same = connections == wanted_.router.connections;
    std::expected<void, std::string> done;
    if (running_ != nullptr) {
        // Also unchanged: a reload repairs what somebody did to the table.
        done = same ? running_->install_firewall(connections) : running_->reconfigure(connections);
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

void Router::stop() {
    if (running_ == nullptr) {
        return;
    }
    shut_down();
    running_->remove_all();
    if (const auto removed = running_->remove_firewall(); !removed) {
        log(LogLevel::error, "the firewall table stays: " + removed.error());
    }
    running_.reset();
    since_ = Clock::now();
    waiting_reason_ = "stopped";
}

std::optional<netns::NetworkNamespace::Identity> Router::namespace_identity() const {
    return running_ == nullptr ? std::nullopt : std::optional(running_->namespace_identity());
}

std::optional<ike::EndpointStatus> Router::endpoint_status() const {
    return running_ == nullptr ? std::nullopt : std::optional(running_->status());
}

RouterReport Router::describe(const ClockReading& now) {
    RouterReport report;
    report.name = wanted_.router.name;
    report.netns = wanted_.router.netns;
    report.file = wanted_.file;
    report.since = past(now, since_);
    if (running_ != nullptr) {
        report.state = "running";
        running_->describe(report, wanted_.router, now);
    } else {
        report.state = "waiting";
        report.reason = waiting_reason_;
        describe_waiting(report, wanted_.router);
    }
    return report;
}

} // namespace viaduct::daemon
