// Keeps the clamp of TCP segments in a router's firewall table in step with its child SAs.
#pragma once

#include "daemon/log_writer.h"
#include "netns/firewall_table.h"
#include "policy/child_sa.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace viaduct::daemon {

/// Reads the MTU of the way to a peer whenever a child SA is installed or moved. The table changes
/// at once, and then at most ten times a second.
class SegmentClamp {
public:
    /// Everything outlives the clamp. `router` is the name, for the log.
    SegmentClamp(boost::asio::io_context& loop, LogWriter& log, const std::string& router,
                 const netns::NetworkNamespace& place, netns::FirewallTable& table);
    SegmentClamp(const SegmentClamp&) = delete;
    SegmentClamp& operator=(const SegmentClamp&) = delete;
    ~SegmentClamp() = default;

    void on_installed(const policy::ChildSa& child);
    void on_moved(policy::ChildSaId child, const policy::UdpPath& path,
                  const std::optional<policy::UdpEncapsulation>& encapsulation);
    void on_removed(policy::ChildSaId child);
    /// Null when no such child SA sends.
    const policy::ChildSa* find(policy::ChildSaId child) const;
    /// Octets that the ways to this connection's peers carry, the narrowest; nothing when no child
    /// SA of it sends.
    std::optional<std::uint32_t> path_mtu(const std::string& connection) const;
    /// The largest packets inside, by connection; of those that have a limit.
    void set_packet_limits(std::map<std::string, std::uint16_t> limits);

private:
    struct Tunnel {
        /// Without its keys.
        policy::ChildSa child;
        std::uint32_t path_mtu = 0;
    };

    std::uint32_t read_path_mtu(const policy::ChildSa& child);
    void settle_soon();
    void settle();

    LogWriter& log_;
    const std::string& router_;
    const netns::NetworkNamespace& place_;
    netns::FirewallTable& table_;
    std::map<policy::ChildSaId, Tunnel> tunnels_;
    std::map<std::string, std::uint16_t> packet_limits_;
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point not_before_;
    bool pending_ = false;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
