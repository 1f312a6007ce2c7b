// One configured router: waits for its namespace, runs while it is there, closes when it goes.
#pragma once

#include "daemon/configuration.h"
#include "daemon/namespace_claims.h"
#include "daemon/running_router.h"

#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace viaduct::daemon {

/// What becomes of the firewall table of a router that stops.
enum class GuardFate : std::uint8_t {
    stays, ///< the connections are still configured: nothing may pass in clear
    goes,  ///< they are not
};

class Router {
public:
    /// Does nothing until start() is called.
    Router(ConfiguredRouter wanted, const RouterSurroundings& surroundings,
           NamespaceClaims& claims);

    const ConfiguredRouter& wanted() const { return wanted_; }
    bool is_running() const { return running_ != nullptr; }
    /// Why it is not running.
    const std::string& waiting_reason() const { return waiting_reason_; }

    void start();
    /// Notices a namespace that came, went or was replaced, and a firewall table that went. To be
    /// called about once a second.
    void watch();
    /// The namespace's name has just come, gone or changed hands. Answers whether that is dealt
    /// with: the name may be there before the namespace.
    bool on_namespace_changed();
    /// Takes over another configuration of the same name and namespace. When it cannot, it goes on
    /// with the one before.
    std::expected<void, std::string> reconfigure(ConfiguredRouter wanted);
    void on_command(const ike::Command& command);
    /// Tells the peers that everything is closed; their answers come later.
    void shut_down();
    /// Nothing is to be waited for after shut_down().
    bool is_quiet() const { return running_ == nullptr || running_->is_quiet(); }
    /// Shuts down and takes out what was made in the namespace, waiting for nobody; what becomes of
    /// the firewall table is the caller's choice.
    void stop(GuardFate guard);

    std::optional<ike::EndpointStatus> endpoint_status() const;
    RouterReport describe(const ClockReading& now);
    /// As DriftWatch::compare(); fails at once while the router waits.
    void compare_kernel(DriftWatch::Use use, DriftWatch::OnDone done);

private:
    /// What runs there from now on, or why nothing can.
    std::expected<void, std::string> try_start();
    void wait_because(const std::string& reason);
    void close(const std::string& reason);
    void log(LogLevel level, const std::string& text);

    ConfiguredRouter wanted_;
    const RouterSurroundings& surroundings_;
    NamespaceClaims& claims_;
    /// While it runs.
    std::unique_ptr<NamespaceClaims::Claim> claim_;
    std::unique_ptr<RunningRouter> running_;
    std::string waiting_reason_ = "its turn to start has not come";
    /// start() was called.
    bool begun_ = false;
    /// The error number for which the namespace is not there, when the reason says so already.
    int absence_told_ = 0;
    ike::TimePoint since_;
    ike::TimePoint next_start_;
};

} // namespace viaduct::daemon
