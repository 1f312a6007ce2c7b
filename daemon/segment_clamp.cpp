#include "daemon/segment_clamp.h"

#include "netns/path_mtu.h"
#include "policy/segment_clamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

namespace {

using Clock = std::chrono::steady_clock;

/// Between changes of the table: each looks at all tunnels, and a router may have thousands that
/// come up together.
constexpr std::chrono::milliseconds between_changes{100};
/// Ethernet's, where the kernel knows no way.
constexpr std::uint32_t usual_mtu = 1500;

} // namespace

SegmentClamp::SegmentClamp(boost::asio::io_context& loop, LogWriter& log, const std::string& router,
                           const netns::NetworkNamespace& place, netns::FirewallTable& table)
    : log_(log), router_(router), place_(place), table_(table), timer_(loop) {}

void SegmentClamp::on_installed(const policy::ChildSa& child) {
    Tunnel& tunnel = tunnels_[child.id];
    tunnel.child = child;
    tunnel.child.inbound_keys = {};
    tunnel.child.outbound_keys = {};
    tunnel.path_mtu = read_path_mtu(child);
    settle_soon();
}

void SegmentClamp::on_moved(policy::ChildSaId child, const policy::UdpPath& path,
                            const std::optional<policy::UdpEncapsulation>& encapsulation) {
    const auto found = tunnels_.find(child);
    if (found == tunnels_.end()) {
        return;
    }
    policy::ChildSa& moved = found->second.child;
    moved.local_address = path.local.address;
    moved.remote_address = path.remote.address;
    moved.encapsulation = encapsulation;
    found->second.path_mtu = read_path_mtu(moved);
    settle_soon();
}

void SegmentClamp::on_removed(policy::ChildSaId child) {
    if (tunnels_.erase(child) != 0) {
        settle_soon();
    }
}

const policy::ChildSa* SegmentClamp::find(policy::ChildSaId child) const {
    const auto found = tunnels_.find(child);
    return found == tunnels_.end() ? nullptr : &found->second.child;
}

std::optional<std::uint32_t> SegmentClamp::path_mtu(const std::string& connection) const {
    std::optional<std::uint32_t> narrowest;
    for (const auto& [id, tunnel] : tunnels_) {
        if (tunnel.child.connection == connection) {
            narrowest = std::min(narrowest.value_or(tunnel.path_mtu), tunnel.path_mtu);
        }
    }
    return narrowest;
}

void SegmentClamp::set_packet_limits(std::map<std::string, std::uint16_t> limits) {
    if (limits != packet_limits_) {
        packet_limits_ = std::move(limits);
        settle_soon();
    }
}

std::uint32_t SegmentClamp::read_path_mtu(const policy::ChildSa& child) {
    const auto mtu = netns::path_mtu(place_, child.local_address, child.remote_address);
    log_.write(LogArea::netns, LogLevel::debug,
               mtu ? fmt::format("the path to {} carries {} octets",
                                 child.remote_address.to_string(), *mtu)
                   : "the MTU of the path is not known: " + mtu.error().to_string(),
               {.router = router_, .connection = child.connection});
    return mtu && *mtu != 0 ? *mtu : usual_mtu;
}

void SegmentClamp::settle_soon() {
    if (std::exchange(pending_, true)) {
        return;
    }
    timer_.expires_at(std::max(Clock::now(), not_before_));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (!error && !alive.expired()) {
            settle();
        }
    });
}

void SegmentClamp::settle() {
    pending_ = false;
    not_before_ = Clock::now() + between_changes;
    std::vector<policy::ClampedPair> pairs;
    for (const auto& [id, tunnel] : tunnels_) {
        const auto limit = packet_limits_.find(tunnel.child.connection);
        const auto more = policy::clamped_pairs(tunnel.child, tunnel.path_mtu,
                                                limit == packet_limits_.end() ? 0 : limit->second);
        pairs.insert(pairs.end(), more.begin(), more.end());
    }
    if (const auto done = table_.clamp(pairs); !done) {
        log_.write(LogArea::netns, LogLevel::warn,
                   "TCP segments are not clamped: " + done.error().to_string(),
                   {.router = router_});
    }
}

} // namespace viaduct::daemon
