// Notices when somebody else changes a router's firewall table, and has it made again.
#pragma once

#include "daemon/namespace_events.h"
#include "daemon/router_kernel.h"
#include "daemon/router_surroundings.h"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>

namespace viaduct::daemon {

class FirewallWatch {
public:
    /// `repair` is called from the loop, at once after a foreign change and then at most ten times
    /// a second, whoever fights against it.
    FirewallWatch(const RouterSurroundings& surroundings, RouterKernel& kernel,
                  std::function<void()> repair);
    FirewallWatch(const FirewallWatch&) = delete;
    FirewallWatch& operator=(const FirewallWatch&) = delete;
    ~FirewallWatch() = default;

    /// From now on. Where it fails nothing is noticed.
    std::expected<void, netns::SystemError> begin(const netns::NetworkNamespace& place);
    /// Whether changes are told by the kernel. Otherwise the table has to be looked at.
    bool hears() const { return subscription_ != nullptr; }

private:
    void on_lost();
    void repair_soon();

    NamespaceEvents& events_;
    RouterKernel& kernel_;
    std::function<void()> repair_;
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point not_before_;
    bool pending_ = false;
    NamespaceEvents::Subscription subscription_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
