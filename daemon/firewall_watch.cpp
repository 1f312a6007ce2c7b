#include "daemon/firewall_watch.h"

#include <linux/netlink.h>

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds between_repairs{100};

} // namespace

FirewallWatch::FirewallWatch(const RouterSurroundings& surroundings, RouterKernel& kernel,
                             std::function<void()> repair)
    : events_(surroundings.events),
      kernel_(kernel),
      repair_(std::move(repair)),
      timer_(surroundings.loop) {}

std::expected<void, netns::SystemError> FirewallWatch::begin(const netns::NetworkNamespace& place) {
    return events_
        .subscribe(place, NETLINK_NETFILTER,
                   {.on_message =
                        [this](std::span<const std::uint8_t> message) {
                            if (!pending_ && kernel_.is_foreign_change(message)) {
                                repair_soon();
                            }
                        },
                    .on_lost = [this] { on_lost(); }})
        .transform([this](auto subscription) { subscription_ = std::move(subscription); });
}

/// Of all routers at once: only a table that is gone is made again now, the others when their turn
/// to be watched comes.
void FirewallWatch::on_lost() {
    kernel_.distrust_firewall();
    if (!pending_ && !kernel_.has_firewall()) {
        repair_soon();
    }
}

void FirewallWatch::repair_soon() {
    pending_ = true;
    // Not before the notifications of the same transaction are read.
    timer_.expires_at(std::max(Clock::now(), not_before_));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (error || alive.expired()) {
            return;
        }
        pending_ = false;
        not_before_ = Clock::now() + between_repairs;
        repair_();
    });
}

} // namespace viaduct::daemon
