// A router at work inside its namespace: sockets, protocol machine, kernel side and one timer.
#pragma once

#include "daemon/drift_watch.h"
#include "daemon/effect_runner.h"
#include "daemon/firewall_watch.h"
#include "daemon/namespace_events.h"
#include "daemon/path_watch.h"
#include "daemon/repair_pace.h"
#include "daemon/router_surroundings.h"
#include "daemon/status_snapshot.h"
#include "xfrm/kernel_event.h"

#include <boost/asio/steady_timer.hpp>

#include <expected>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace viaduct::daemon {

class RunningRouter {
public:
    /// Enters the namespace `place`, opens the sockets, puts the firewall table there and starts to
    /// negotiate. When it fails, the firewall in the namespace is as it was: the table there may
    /// belong to another daemon. An address family that the namespace lacks is left out.
    static std::expected<std::unique_ptr<RunningRouter>, std::string>
    start(const policy::Router& wanted, const RouterSurroundings& surroundings,
          netns::NetworkNamespace place);
    RunningRouter(const RunningRouter&) = delete;
    RunningRouter& operator=(const RunningRouter&) = delete;
    ~RunningRouter();

    void on_command(const ike::Command& command);
    /// New connections: sockets first, then the firewall, then the protocol machine. When it
    /// fails, everything goes on with the old ones.
    std::expected<void, std::string> reconfigure(const policy::ConnectionSet& connections);
    /// Makes the firewall table anew, whatever somebody did to it.
    std::expected<void, std::string> repair_firewall();
    /// As repair_firewall() where somebody may have done something to the table that nobody tells.
    std::expected<void, std::string> check_firewall();
    /// Puts back what somebody took away of the firewall table, where the kernel does not tell, and
    /// of the interfaces, and follows the ways to the peers. To be called about once a second.
    void watch_kernel();
    /// Takes out the SAs that are still there. The firewall table stays.
    void remove_all() { kernel_->remove_all(); }
    /// As RouterKernel::abandon().
    void abandon() { kernel_->abandon(); }
    /// After Shutdown: the peers have confirmed, or did not answer.
    bool is_quiet() const { return !endpoint_.next_deadline(); }
    std::expected<void, std::string> remove_firewall() { return kernel_->remove_firewall(); }

    netns::NetworkNamespace::Identity namespace_identity() const { return place_.identity(); }
    ike::EndpointStatus status() const { return endpoint_.status(); }
    /// As DriftWatch::compare(), and the interfaces.
    void compare_kernel(DriftWatch::Use use, DriftWatch::OnDone done);
    void describe(RouterReport& report, const policy::Router& wanted, const ClockReading& now);

private:
    RunningRouter(const policy::Router& wanted, const RouterSurroundings& surroundings,
                  netns::NetworkNamespace place);

    std::expected<void, std::string> install_firewall(const policy::ConnectionSet& connections);
    void on_firewall_changed();
    /// Whether it was done; tells of a failure that is not like the one before it.
    bool note_repair(const std::expected<void, std::string>& done);
    /// The connections with what the kernel can do of them. What it cannot is named in the log,
    /// once.
    policy::ConnectionSet usable(const policy::ConnectionSet& connections);
    std::expected<void, std::string> prepare(const policy::ConnectionSet& connections);
    std::expected<void, std::string> open_first_sockets(const policy::ConnectionSet& connections);
    /// For a reload: a family that was not served before need not be now.
    std::expected<void, std::string> open_more_sockets(const policy::ConnectionSet& connections);
    std::expected<void, netns::SystemError> open_sockets(policy::AddressFamily family);
    std::expected<void, netns::SystemError>
    open_socket(policy::AddressFamily family, std::uint16_t port, netns::UdpPurpose purpose);
    void on_datagram(const netns::ReceivedDatagram& datagram);
    void on_receive_failed(const netns::SystemError& error);
    void on_name_resolved(ike::NameResolved resolved);
    void follow_paths(const policy::ConnectionSet& connections);
    void on_path_changed(const ike::PathChanged& change,
                         const std::optional<policy::IpAddress>& source);
    /// As the protocol machine gets them: `auto` addresses are what they stand for.
    policy::ConnectionSet with_sources(policy::ConnectionSet connections) const;
    void on_child_lost(policy::ChildSpi inbound);
    /// What the kernel tells of this namespace by itself.
    void hear_kernel();
    /// Of what may have become of the interfaces of route-based connections.
    void hear_network();
    void on_kernel_message(std::span<const std::uint8_t> message);
    void on_kernel(const xfrm::StateExpired& event);
    void on_kernel(const xfrm::Acquire& event);
    void on_kernel(const xfrm::MappingChanged& event);
    /// The kernel said things that nobody heard.
    void on_events_lost();
    /// Those that this daemon is to serve.
    policy::ConnectionSet served(const policy::ConnectionSet& connections) const;
    void warn(const std::string& text);
    /// Carries out what an input left to do, and arms the timer again.
    void after_input();
    void arm_timer();

    std::string name_;
    const RouterSurroundings& surroundings_;
    netns::NetworkNamespace place_;
    std::unique_ptr<RouterKernel> kernel_;
    policy::FirewallRules firewall_rules_;
    std::optional<FirewallWatch> firewall_watch_;
    Listeners listeners_;
    /// ESP algorithms that are configured and that the kernel lacks.
    std::vector<policy::Transform> missing_algorithms_;
    /// Families without sockets, and why.
    std::map<policy::AddressFamily, std::string> unserved_;
    /// With the router's own ports.
    const ike::EndpointSettings settings_;
    ike::Endpoint endpoint_;
    std::optional<EffectRunner> effects_;
    std::optional<PathWatch> paths_;
    /// The connections that have `local_address = "auto"`, with all others, and what it stands for.
    policy::ConnectionSet with_auto_;
    std::map<std::string, policy::IpAddress, std::less<>> sources_;
    std::optional<DriftWatch> drift_;
    boost::asio::steady_timer timer_;
    std::optional<ike::TimePoint> armed_for_;
    RateLimit receive_error_limit_{0.2, 3.0};
    RateLimit firewall_limit_{0.2, 3.0};
    RepairPace firewall_pace_;
    RateLimit kernel_event_limit_{1.0, 10.0};
    NamespaceEvents::Subscription kernel_events_;
    NamespaceEvents::Subscription network_events_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
