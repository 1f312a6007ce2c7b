#include "daemon/segment_clamp.h"

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

netns::PathEnds ends_of(const policy::ChildSa& child) {
    return {child.local_address, child.remote_address};
}

} // namespace

SegmentClamp::SegmentClamp(boost::asio::io_context& loop, LogWriter& log, const std::string& router,
                           PathMtus::Read read, netns::FirewallTable& table)
    : log_(log), router_(router), paths_(std::move(read)), table_(table), timer_(loop) {}

void SegmentClamp::on_installed(const policy::ChildSa& child) {
    use_path(child);
    const auto [found, is_new] = tunnels_.try_emplace(child.id);
    if (!is_new) {
        paths_.leave(ends_of(found->second));
    }
    found->second = child;
    found->second.inbound_keys = {};
    found->second.outbound_keys = {};
    settle_soon();
}

void SegmentClamp::on_moved(policy::ChildSaId child, const policy::UdpPath& path,
                            const std::optional<policy::UdpEncapsulation>& encapsulation) {
    const auto found = tunnels_.find(child);
    if (found == tunnels_.end()) {
        return;
    }
    policy::ChildSa& moved = found->second;
    paths_.leave(ends_of(moved));
    moved.local_address = path.local.address;
    moved.remote_address = path.remote.address;
    moved.encapsulation = encapsulation;
    use_path(moved);
    settle_soon();
}

void SegmentClamp::on_removed(policy::ChildSaId child) {
    if (const auto found = tunnels_.find(child); found != tunnels_.end()) {
        paths_.leave(ends_of(found->second));
        tunnels_.erase(found);
        settle_soon();
    }
}

const policy::ChildSa* SegmentClamp::find(policy::ChildSaId child) const {
    const auto found = tunnels_.find(child);
    return found == tunnels_.end() ? nullptr : &found->second;
}

std::optional<std::uint32_t> SegmentClamp::path_mtu(const std::string& connection) const {
    std::optional<std::uint32_t> narrowest;
    for (const auto& [id, child] : tunnels_) {
        if (child.connection == connection) {
            const auto mtu = paths_.of(ends_of(child));
            narrowest = std::min(narrowest.value_or(mtu), mtu);
        }
    }
    return narrowest;
}

bool SegmentClamp::review_paths(PathMtus::TimePoint now) {
    const auto changes = paths_.review(now);
    for (const auto& change : changes) {
        log_.write(LogArea::netns, LogLevel::info,
                   fmt::format("the path from {} to {} carries {} octets instead of {}",
                               change.path.local.to_string(), change.path.remote.to_string(),
                               change.now, change.before),
                   {.router = router_});
    }
    if (!changes.empty()) {
        settle_soon();
    }
    return !changes.empty();
}

void SegmentClamp::set_packet_limits(std::map<std::string, std::uint16_t> limits) {
    if (limits != packet_limits_) {
        packet_limits_ = std::move(limits);
        settle_soon();
    }
}

void SegmentClamp::use_path(const policy::ChildSa& child) {
    const auto mtu = paths_.use(ends_of(child), Clock::now());
    log_.write(LogArea::netns, LogLevel::debug,
               mtu ? fmt::format("the path to {} carries {} octets",
                                 child.remote_address.to_string(), *mtu)
                   : "the MTU of the path is not known: " + mtu.error().to_string(),
               {.router = router_, .connection = child.connection});
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
    for (const auto& [id, child] : tunnels_) {
        const auto limit = packet_limits_.find(child.connection);
        const auto more = policy::clamped_pairs(child, paths_.of(ends_of(child)),
                                                limit == packet_limits_.end() ? 0 : limit->second);
        pairs.insert(pairs.end(), more.begin(), more.end());
    }
    const auto done = table_.clamp(pairs);
    const auto trouble = done ? std::string() : done.error().to_string();
    if (trouble != std::exchange(trouble_, trouble) && !done) {
        log_.write(LogArea::netns, LogLevel::warn, "TCP segments are not clamped: " + trouble,
                   {.router = router_});
    }
}

} // namespace viaduct::daemon
