// What the kernel tells a router by itself.
#include "daemon/running_router.h"

#include <fmt/format.h>
#include <linux/netlink.h>

#include <utility>

namespace viaduct::daemon {

void RunningRouter::hear_kernel() {
    if (!surroundings_.kernel.carries_esp()) {
        return;
    }
    auto heard = surroundings_.events.subscribe(
        place_, NETLINK_XFRM,
        {.on_message = [this](std::span<const std::uint8_t> octets) { on_kernel_message(octets); },
         .on_lost = [this] { on_events_lost(); }});
    if (heard) {
        kernel_events_ = std::move(*heard);
    } else {
        warn("what the kernel tells of SAs is not heard (no connection comes up on demand, none is "
             "rekeyed for what it carried): " +
             heard.error().to_string());
    }
}

void RunningRouter::hear_network() {
    auto heard = surroundings_.events.subscribe(
        place_, NETLINK_ROUTE,
        {.on_message =
             [this](std::span<const std::uint8_t> octets) { kernel_->note_network_change(octets); },
         .on_lost = [this] { kernel_->distrust_interfaces(); }});
    // Where it fails, PathWatch has said so.
    if (heard) {
        network_events_ = std::move(*heard);
    }
}

void RunningRouter::on_kernel_message(std::span<const std::uint8_t> message) {
    const auto event = xfrm::read_event(message);
    if (!event) {
        return;
    }
    // What others put into the kernel is not ours to follow.
    std::visit(
        [this](const auto& each) {
            if (policy::is_our_reqid(each.reqid)) {
                on_kernel(each);
            }
        },
        *event);
    after_input();
}

void RunningRouter::on_kernel(const xfrm::StateExpired& event) {
    const auto child = kernel_->child_with(event.destination, event.spi);
    if (!child) {
        return; // it went while this was on its way
    }
    surroundings_.log.write(LogArea::xfrm, LogLevel::debug,
                            "child SA reached a " + xfrm::to_string(event),
                            {.router = name_, .spi = to_string(event.spi)});
    endpoint_.on_kernel_event(std::chrono::steady_clock::now(),
                              event.hard ? ike::KernelEvent(ike::HardExpired{*child})
                                         : ike::KernelEvent(ike::SoftExpired{*child}));
}

void RunningRouter::on_kernel(const xfrm::Acquire& event) {
    const auto* const trap = kernel_->find_trap(event.reqid);
    if (trap == nullptr) {
        return;
    }
    surroundings_.log.write(LogArea::xfrm, LogLevel::debug,
                            fmt::format("a packet asks for the tunnel: {} -> {} protocol {}",
                                        event.source.to_string(), event.destination.to_string(),
                                        event.protocol),
                            {.router = name_, .connection = trap->connection});
    endpoint_.on_kernel_event(std::chrono::steady_clock::now(),
                              ike::Acquire{trap->connection, trap->selectors});
}

void RunningRouter::on_kernel(const xfrm::MappingChanged& event) {
    if (kernel_event_limit_.admit(std::chrono::steady_clock::now())) {
        surroundings_.log.write(
            LogArea::xfrm, LogLevel::info,
            fmt::format("ESP in UDP comes from {} instead of {}; its SAs follow when IKE does",
                        event.now.to_string(), event.before.to_string()),
            {.router = name_, .spi = to_string(event.spi)});
    }
}

void RunningRouter::on_events_lost() {
    // NamespaceEvents has said so. A child SA that expired meanwhile is found missing; what a lost
    // acquire asked for is asked for again when the kernel's larval state has expired.
    drift_->compare(DriftWatch::Use::mend, [](const auto&) {});
}

} // namespace viaduct::daemon
