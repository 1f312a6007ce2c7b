// Carries out what a router's protocol machine asks for.
#pragma once

#include "daemon/ike_listener.h"
#include "daemon/rate_limit.h"
#include "daemon/router_surroundings.h"
#include "ike/effect.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace viaduct::daemon {

/// The sockets of a router by family and local port.
using ListenerKey = std::pair<policy::AddressFamily, std::uint16_t>;
using Listeners = std::map<ListenerKey, std::unique_ptr<IkeListener>>;

class EffectRunner {
public:
    using OnNameResolved = std::function<void(ike::NameResolved)>;

    /// `listeners` and `kernel` belong to the router and outlive the runner; `on_name_resolved` is
    /// called from the loop, possibly after the runner is gone.
    EffectRunner(const std::string& router, Listeners& listeners, RouterKernel& kernel,
                 const RouterSurroundings& surroundings, OnNameResolved on_name_resolved);

    /// What the protocol machine must be told of at once: a failure, an answer, or nothing.
    using Outcome = std::variant<std::monostate, ike::EffectFailure, ike::KernelEvent>;
    Outcome run(const ike::Effect& effect);

    std::uint64_t send_errors() const { return send_errors_; }
    const std::optional<std::string>& last_send_error() const { return last_send_error_; }

private:
    Outcome carry_out(const ike::SendDatagram& effect);
    Outcome carry_out(const ike::InstallChildSa& effect);
    Outcome carry_out(const ike::InstallInboundSa& effect);
    Outcome carry_out(const ike::InstallOutboundSa& effect);
    Outcome carry_out(const ike::RemoveOutboundSa& effect);
    Outcome carry_out(const ike::MoveChildSa& effect);
    Outcome carry_out(const ike::ReadTraffic& effect);
    Outcome carry_out(const ike::RemoveChildSa& effect);
    Outcome carry_out(const ike::ResolveName& effect);
    Outcome carry_out(const ike::Report& effect);
    Outcome on_installed(const policy::ChildSa& child, std::expected<void, std::string> installed,
                         const char* what);
    void await_leaving();
    void warn_unless(const std::expected<void, std::string>& done, const char* what);
    void on_send_failed(std::string reason);
    void show_keys(const policy::ChildSa& child);
    void write_report(const ike::ReportEvent& event);

    std::string router_;
    Listeners& listeners_;
    RouterKernel& kernel_;
    const RouterSurroundings& surroundings_;
    OnNameResolved on_name_resolved_;
    /// Outbound SAs that are to go, in the order in which their time comes.
    std::deque<std::pair<std::chrono::steady_clock::time_point, policy::ChildSaId>> leaving_;
    boost::asio::steady_timer leaving_timer_;
    // Strangers must not fill the log, nor the sender's own network trouble.
    RateLimit report_limit_{2.0, 10.0};
    RateLimit send_error_limit_{0.2, 3.0};
    std::uint64_t send_errors_ = 0;
    std::optional<std::string> last_send_error_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
