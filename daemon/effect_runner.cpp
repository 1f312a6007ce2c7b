#include "daemon/effect_runner.h"

#include "daemon/name_resolver.h"
#include "daemon/report_line.h"
#include "policy/printable.h"

#include <fmt/format.h>

#include <utility>

namespace viaduct::daemon {

namespace {

/// How long an outbound SA outlives its successor's arrival: the kernel drops a packet whose SA
/// goes between being chosen and being used.
constexpr std::chrono::seconds outbound_grace{1};

std::string suppressed_text(std::uint64_t count) {
    return count == 0 ? std::string() : fmt::format(" ({} more were not shown)", count);
}

} // namespace

EffectRunner::EffectRunner(const std::string& router, Listeners& listeners, RouterKernel& kernel,
                           const RouterSurroundings& surroundings, OnNameResolved on_name_resolved)
    : router_(router),
      listeners_(listeners),
      kernel_(kernel),
      surroundings_(surroundings),
      on_name_resolved_(std::move(on_name_resolved)),
      leaving_timer_(surroundings.loop) {}

EffectRunner::Outcome EffectRunner::run(const ike::Effect& effect) {
    return std::visit([this](const auto& kind) { return carry_out(kind); }, effect);
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::SendDatagram& effect) {
    const auto& path = effect.path;
    if (surroundings_.log.shows(LogArea::ike, LogLevel::trace)) {
        surroundings_.log.write_octets(LogArea::ike, LogLevel::trace,
                                       fmt::format("sent {} > {}: {} octets {}",
                                                   path.local.to_string(), path.remote.to_string(),
                                                   effect.octets.size(),
                                                   policy::hexadecimal(effect.octets)),
                                       {.router = router_});
    }
    const auto found = listeners_.find({path.local.address.family(), path.local.port});
    if (found == listeners_.end()) {
        on_send_failed(fmt::format("no socket for {}", path.local.to_string()));
        return {};
    }
    if (const auto sent = found->second->socket().send(path, effect.octets); !sent) {
        on_send_failed(sent.error().to_string());
    }
    return {};
}

void EffectRunner::on_send_failed(std::string reason) {
    ++send_errors_;
    last_send_error_ = std::move(reason);
    if (const auto suppressed = send_error_limit_.admit(std::chrono::steady_clock::now())) {
        surroundings_.log.write(LogArea::netns, LogLevel::warn,
                                "cannot send: " + *last_send_error_ + suppressed_text(*suppressed),
                                {.router = router_});
    }
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::InstallChildSa& effect) {
    if (surroundings_.log.levels().keys) {
        show_keys(effect.child);
    }
    return on_installed(effect.child, kernel_.install(effect.child), "child SA installed");
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::InstallInboundSa& effect) {
    if (surroundings_.log.levels().keys) {
        show_keys(effect.child);
    }
    return on_installed(effect.child, kernel_.install_inbound(effect.child),
                        "inbound SA installed");
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::InstallOutboundSa& effect) {
    return on_installed(effect.child, kernel_.install_outbound(effect.child),
                        "outbound SA installed");
}

EffectRunner::Outcome EffectRunner::on_installed(const policy::ChildSa& child,
                                                 std::expected<void, std::string> installed,
                                                 const char* what) {
    if (!installed) {
        return ike::ChildSaInstallFailed{child.id, std::move(installed.error())};
    }
    surroundings_.log.write(LogArea::xfrm, LogLevel::debug, what,
                            {.router = router_, .connection = child.connection});
    return {};
}

void EffectRunner::show_keys(const policy::ChildSa& child) {
    const auto show = [&](const char* direction, policy::ChildSpi spi,
                          const policy::EspKeys& keys) {
        auto text = fmt::format("KEYS {}: encryption {}", direction,
                                policy::hexadecimal(keys.encryption.expose()));
        if (!keys.integrity.expose().empty()) {
            text += " integrity " + policy::hexadecimal(keys.integrity.expose());
        }
        surroundings_.log.write_keys(
            LogArea::xfrm, text,
            {.router = router_, .connection = child.connection, .spi = to_string(spi)});
    };
    show("inbound", child.inbound_spi, child.inbound_keys);
    show("outbound", child.outbound_spi, child.outbound_keys);
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::RemoveOutboundSa& effect) {
    leaving_.emplace_back(std::chrono::steady_clock::now() + outbound_grace, effect.child);
    if (leaving_.size() == 1) {
        await_leaving();
    }
    return {};
}

void EffectRunner::await_leaving() {
    leaving_timer_.expires_at(leaving_.front().first);
    leaving_timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (error || alive.expired()) {
            return;
        }
        const auto now = std::chrono::steady_clock::now();
        for (; !leaving_.empty() && leaving_.front().first <= now; leaving_.pop_front()) {
            warn_unless(kernel_.remove_outbound(leaving_.front().second),
                        "outbound SA not removed: ");
        }
        if (!leaving_.empty()) {
            await_leaving();
        }
    });
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::MoveChildSa& effect) {
    const auto moved = kernel_.move(effect.child, effect.path, effect.encapsulation);
    warn_unless(moved, "child SA not moved and to be rekeyed: ");
    if (!moved) {
        return ike::KernelEvent(ike::SoftExpired{effect.inbound_spi});
    }
    return {};
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::ReadTraffic& effect) {
    const auto counters = kernel_.counters(effect.child).value_or(policy::ChildSaCounters{});
    return ike::TrafficRead{effect.child, counters.inbound_packets};
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::RemoveChildSa& effect) {
    warn_unless(kernel_.remove(effect.child), "child SA not removed: ");
    return {};
}

void EffectRunner::warn_unless(const std::expected<void, std::string>& done, const char* what) {
    if (!done) {
        surroundings_.log.write(LogArea::xfrm, LogLevel::warn, what + done.error(),
                                {.router = router_});
    }
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::ResolveName& effect) {
    surroundings_.resolver.resolve(effect.name,
                                   [name = effect.name, done = on_name_resolved_](auto addresses) {
                                       done({.name = name, .addresses = std::move(addresses)});
                                   });
    return {};
}

EffectRunner::Outcome EffectRunner::carry_out(const ike::Report& effect) {
    write_report(effect.event);
    surroundings_.observer(router_, effect.event);
    return {};
}

void EffectRunner::write_report(const ike::ReportEvent& event) {
    const bool message = std::holds_alternative<ike::MessageReport>(event);
    if (message && !surroundings_.log.shows(LogArea::ike, LogLevel::debug)) {
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    std::string suppressed;
    if (may_come_from_anybody(event)) {
        const auto admitted = report_limit_.admit(now);
        if (!admitted) {
            return;
        }
        suppressed = suppressed_text(*admitted);
    }
    const auto line = report_line(event, now);
    const LogFields fields{.router = router_, .connection = line.connection, .spi = line.spi};
    surroundings_.log.write(LogArea::ike, line.level, line.text + suppressed, fields);
    surroundings_.log.write_lines(LogArea::ike, line.level, line.details, {});
}

} // namespace viaduct::daemon
