// Keeps the clamp of TCP segments in a router's firewall table in step with its child SAs.
#pragma once

#include "daemon/log_writer.h"
#include "daemon/path_mtus.h"
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

/// Reads the MTU of the way to a peer whenever a child SA is installed or moved, and from time to
/// time. The table changes at once, and then at most ten times a second; not where nothing changed.
class SegmentClamp {
public:
    /// Everything outlives the clamp. `router` is the name, for the log.
    SegmentClamp(boost::asio::io_context& loop, LogWriter& log, const std::string& router,
                 PathMtus::Read read, netns::FirewallTable& table);
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
    /// The router's links or routes changed.
    void doubt_paths() { paths_.doubt(std::chrono::steady_clock::now()); }
    /// As PathMtus::review(). Whether some way carries more or less than before.
    bool review_paths(PathMtus::TimePoint now);
    /// The largest packets inside, by connection; of those that have a limit.
    void set_packet_limits(std::map<std::string, std::uint16_t> limits);

private:
    void use_path(const policy::ChildSa& child);
    void settle_soon();
    void settle();

    LogWriter& log_;
    const std::string& router_;
    PathMtus paths_;
    netns::FirewallTable& table_;
    /// Without their keys.
    std::map<policy::ChildSaId, policy::ChildSa> tunnels_;
    std::map<std::string, std::uint16_t> packet_limits_;
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point not_before_;
    bool pending_ = false;
    /// Why the last change failed; empty: it did not.
    std::string trouble_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
