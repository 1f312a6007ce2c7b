#include "daemon/running_router.h"

#include "daemon/interface_drift.h"
#include "policy/missing_algorithms.h"
#include "policy/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace viaduct::daemon {

namespace {

std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}

std::vector<policy::AddressFamily> families_of(const policy::ConnectionSet& connections) {
    std::vector families{policy::AddressFamily::ipv4};
    const auto is_ipv6 = [](const policy::Connection& connection) {
        return connection.local_address.family() == policy::AddressFamily::ipv6;
    };
    if (std::ranges::any_of(connections.connections, is_ipv6)) {
        families.push_back(policy::AddressFamily::ipv6);
    }
    return families;
}

/// What the daemon was told, with what the router has of its own. The endpoint knows connections by
/// their names alone; a name of another router fits none.
ike::EndpointSettings settings_for(const policy::Router& router, KernelSource& kernel,
                                   ike::EndpointSettings settings) {
    auto& only = settings.only_connection;
    if (only.starts_with(router.name + "/")) {
        only.erase(0, router.name.size() + 1);
    }
    settings.kernel_sends_keepalives = kernel.sends_nat_keepalives();
    settings.ike_port = router.ike_port.value_or(settings.ike_port);
    settings.nat_port = router.nat_port.value_or(settings.nat_port);
    if (router.cookie_threshold)
        settings.cookie_threshold = *router.cookie_threshold;
    return settings;
}

} // namespace

std::expected<std::unique_ptr<RunningRouter>, std::string>
RunningRouter::start(const policy::Router& wanted, const RouterSurroundings& surroundings,
                     netns::NetworkNamespace place) {
    std::unique_ptr<RunningRouter> router(
        new RunningRouter(wanted, surroundings, std::move(place)));
    if (auto prepared = router->prepare(wanted.connections); !prepared) {
        return std::unexpected(std::move(prepared.error()));
    }
    // Before anything is begun, so that nobody calls from an address that is not there.
    router->follow_paths(wanted.connections);
    router->arm_timer();
    router->drift_->begin();
    return router;
}

RunningRouter::RunningRouter(const policy::Router& wanted, const RouterSurroundings& surroundings,
                             netns::NetworkNamespace place)
    : name_(wanted.name),
      surroundings_(surroundings),
      place_(std::move(place)),
      settings_(settings_for(wanted, surroundings.kernel, surroundings.settings)),
      endpoint_(usable(wanted.connections), surroundings.rng, settings_),
      timer_(surroundings.loop) {}

RunningRouter::~RunningRouter() = default;

policy::ConnectionSet RunningRouter::usable(const policy::ConnectionSet& connections) {
    auto missing = surroundings_.kernel.missing(policy::esp_algorithms(connections));
    for (const auto& each : missing) {
        if (!std::ranges::contains(missing_algorithms_, each)) {
            surroundings_.log.write(LogArea::xfrm, LogLevel::warn,
                                    "the kernel lacks " + each.to_string() +
                                        ": ESP goes without it",
                                    {.router = name_});
        }
    }
    missing_algorithms_ = std::move(missing);
    return policy::without_algorithms(connections, missing_algorithms_);
}

std::expected<void, std::string> RunningRouter::prepare(const policy::ConnectionSet& connections) {
    // One of them may be the daemon's option, so that no file is wrong.
    if (settings_.ike_port == settings_.nat_port) {
        return std::unexpected(
            fmt::format("ike_port and nat_port are both {}", settings_.ike_port));
    }
    // Whoever holds the ports holds the namespace; before that nothing of it may be touched.
    if (auto opened = open_first_sockets(connections); !opened) {
        return opened;
    }
    auto kernel = surroundings_.kernel.open(name_, place_);
    if (!kernel) {
        return std::unexpected(std::move(kernel.error()));
    }
    kernel_ = std::move(*kernel);
    effects_.emplace(name_, listeners_, *kernel_, surroundings_,
                     [this, alive = std::weak_ptr(alive_)](ike::NameResolved resolved) {
                         if (!alive.expired()) {
                             on_name_resolved(std::move(resolved));
                         }
                     });
    paths_.emplace(name_, surroundings_, place_, [this](const auto& change, const auto& source) {
        on_path_changed(change, source);
    });
    drift_.emplace(name_, *kernel_, surroundings_,
                   [this](policy::ChildSpi inbound) { on_child_lost(inbound); });
    firewall_watch_.emplace(surroundings_, *kernel_, [this] { on_firewall_changed(); });
    if (surroundings_.kernel.carries_esp()) {
        if (const auto begun = firewall_watch_->begin(place_); !begun) {
            warn("changes of the firewall table are looked for once a second: " +
                 begun.error().to_string());
        }
    }
    // The firewall table is there before the first SA can be, so that nothing leaves in clear.
    return install_firewall(connections).transform([&] {
        // Before the traps: what they catch first is heard.
        hear_kernel();
        hear_network();
        kernel_->set_interfaces(served(connections));
        kernel_->set_traps(served(connections));
    });
}

policy::ConnectionSet RunningRouter::served(const policy::ConnectionSet& connections) const {
    auto result = connections;
    if (const auto& only = settings_.only_connection; !only.empty()) {
        std::erase_if(result.connections, [&](const auto& each) { return each.name != only; });
    }
    return result;
}

std::expected<void, std::string>
RunningRouter::open_first_sockets(const policy::ConnectionSet& connections) {
    for (const auto family : families_of(connections)) {
        const auto opened = open_sockets(family);
        if (opened) {
            continue;
        }
        // Ports in use: another daemon serves this namespace.
        if (opened.error().code == EADDRINUSE) {
            return std::unexpected(opened.error().to_string());
        }
        unserved_[family] = opened.error().to_string();
    }
    if (listeners_.empty()) {
        return std::unexpected(unserved_.begin()->second);
    }
    for (const auto& [family, reason] : unserved_) {
        warn("an address family is not served: " + reason);
    }
    return {};
}

std::expected<void, std::string>
RunningRouter::open_more_sockets(const policy::ConnectionSet& connections) {
    for (const auto family : families_of(connections)) {
        const auto opened = open_sockets(family);
        if (opened) {
            unserved_.erase(family);
        } else if (!unserved_.contains(family)) {
            return std::unexpected(opened.error().to_string());
        }
    }
    return {};
}

std::expected<void, netns::SystemError> RunningRouter::open_sockets(policy::AddressFamily family) {
    const auto nat_purpose = surroundings_.kernel.carries_esp() ? netns::UdpPurpose::ike_and_esp
                                                                : netns::UdpPurpose::ike;
    const ListenerKey ike{family, settings_.ike_port};
    auto opened = open_socket(ike.first, ike.second, netns::UdpPurpose::ike).and_then([&] {
        return open_socket(family, settings_.nat_port, nat_purpose);
    });
    if (!opened) {
        // One port alone is of no use.
        listeners_.erase(ike);
    }
    return opened;
}

std::expected<void, netns::SystemError> RunningRouter::open_socket(policy::AddressFamily family,
                                                                   std::uint16_t port,
                                                                   netns::UdpPurpose purpose) {
    auto& listener = listeners_[{family, port}];
    if (listener != nullptr) {
        return {};
    }
    const auto bypass = surroundings_.kernel.carries_esp() ? netns::PolicyBypass::wanted
                                                           : netns::PolicyBypass::not_wanted;
    auto socket = netns::IkeUdpSocket::open(place_, family, port, purpose, bypass);
    if (!socket) {
        listeners_.erase({family, port});
        return std::unexpected(socket.error());
    }
    listener = std::make_unique<IkeListener>(
        surroundings_.loop, std::move(*socket),
        [this](const netns::ReceivedDatagram& datagram) { on_datagram(datagram); },
        [this](const netns::SystemError& error) { on_receive_failed(error); });
    return {};
}

void RunningRouter::on_command(const ike::Command& command) {
    endpoint_.on_command(now(), command);
    after_input();
}

std::expected<void, std::string>
RunningRouter::reconfigure(const policy::ConnectionSet& connections) {
    auto prepared =
        open_more_sockets(connections).and_then([&] { return install_firewall(connections); });
    if (prepared) {
        const auto complete = with_sources(connections);
        kernel_->set_interfaces(served(complete));
        kernel_->set_traps(served(complete));
        on_command(ike::Reconfigure{usable(complete)});
        follow_paths(connections);
    }
    return prepared;
}

std::expected<void, std::string>
RunningRouter::install_firewall(const policy::ConnectionSet& connections) {
    auto rules = policy::firewall_rules(connections);
    rules.ike_port = settings_.ike_port;
    rules.nat_port = settings_.nat_port;
    if (!firewall_watch_->hears()) {
        // Nobody would have told what became of the table.
        kernel_->distrust_firewall();
    }
    auto installed = kernel_->install_firewall(rules);
    if (installed) {
        firewall_rules_ = std::move(rules);
    }
    return installed;
}

std::expected<void, std::string> RunningRouter::repair_firewall() {
    kernel_->distrust_firewall();
    return kernel_->install_firewall(firewall_rules_);
}

std::expected<void, std::string> RunningRouter::check_firewall() {
    const bool would_be_told = firewall_watch_->hears() || !surroundings_.kernel.carries_esp();
    return would_be_told && kernel_->trusts_firewall() ? std::expected<void, std::string>()
                                                       : repair_firewall();
}

void RunningRouter::watch_kernel() {
    kernel_->guard_interfaces();
    kernel_->follow_paths();
    const bool is_gone = !firewall_watch_->hears() && !kernel_->has_firewall();
    if (!is_gone && kernel_->trusts_firewall()) {
        // What failed may have come to its end with another change.
        note_repair({});
    } else if (!firewall_pace_.is_due(now())) {
        return;
    } else if (is_gone) {
        on_firewall_changed();
    } else {
        // Notifications were lost, or a change of ours did not come to its end.
        note_repair(repair_firewall());
    }
}

void RunningRouter::on_firewall_changed() {
    if (note_repair(repair_firewall()) && firewall_limit_.admit(now())) {
        warn("somebody changed the firewall table (inet viaduct); it is as it was again");
    }
}

bool RunningRouter::note_repair(const std::expected<void, std::string>& done) {
    if (done) {
        if (firewall_pace_.on_done()) {
            warn("the firewall table (inet viaduct) is as it should be again");
        }
    } else if (firewall_pace_.on_failed(now(), done.error())) {
        warn("the firewall table (inet viaduct) is not as it should be: " + done.error());
    }
    return done.has_value();
}

void RunningRouter::compare_kernel(DriftWatch::Use use, DriftWatch::OnDone done) {
    drift_->compare(use, [this, use, done = std::move(done)](auto found) {
        // A router that stops running has found nothing.
        if (found) {
            const auto review = use == DriftWatch::Use::look ? kernel_->look_at_interfaces()
                                                             : kernel_->mend_interfaces();
            std::ranges::move(interface_drift(review), std::back_inserter(*found));
        }
        done(std::move(found));
    });
}

void RunningRouter::describe(RouterReport& report, const policy::Router& wanted,
                             const ClockReading& reading) {
    describe_endpoint(
        report, wanted, endpoint_.status(),
        [this](policy::ChildSaId child) { return kernel_->counters(child); }, reading);
    report.leak_guard = kernel_->guard_counters().transform(guard_report);
    std::ranges::transform(missing_algorithms_, std::back_inserter(report.missing_algorithms),
                           &policy::Transform::to_string);
    report.send_errors = effects_->send_errors();
    report.last_send_error = effects_->last_send_error();
    report.kernel_differences = drift_->found();
}

void RunningRouter::on_datagram(const netns::ReceivedDatagram& datagram) {
    if (surroundings_.log.shows(LogArea::ike, LogLevel::trace)) {
        surroundings_.log.write_octets(
            LogArea::ike, LogLevel::trace,
            fmt::format("received {} > {}: {} octets {}", datagram.path.remote.to_string(),
                        datagram.path.local.to_string(), datagram.octets.size(),
                        policy::hexadecimal(datagram.octets)),
            {.router = name_});
    }
    endpoint_.on_datagram(now(), datagram.path, datagram.octets);
    after_input();
}

void RunningRouter::on_receive_failed(const netns::SystemError& error) {
    if (receive_error_limit_.admit(now())) {
        warn("cannot receive: " + error.to_string());
    }
}

void RunningRouter::warn(const std::string& text) {
    surroundings_.log.write(LogArea::netns, LogLevel::warn, text, {.router = name_});
}

void RunningRouter::on_name_resolved(ike::NameResolved resolved) {
    surroundings_.log.write(
        LogArea::daemon, LogLevel::debug,
        fmt::format("{} resolves to {} addresses", resolved.name, resolved.addresses.size()),
        {.router = name_});
    paths_->on_name_resolved(resolved);
    on_command(std::move(resolved));
}

void RunningRouter::follow_paths(const policy::ConnectionSet& connections) {
    const bool any_auto = std::ranges::any_of(connections.connections, [](const auto& connection) {
        return connection.local_address.is_unspecified();
    });
    with_auto_ = any_auto ? connections : policy::ConnectionSet{};
    paths_->follow(connections);
}

policy::ConnectionSet RunningRouter::with_sources(policy::ConnectionSet connections) const {
    for (auto& connection : connections.connections) {
        const auto source = sources_.find(connection.name);
        if (connection.local_address.is_unspecified() && source != sources_.end()) {
            connection.local_address = source->second;
        }
    }
    return connections;
}

void RunningRouter::on_path_changed(const ike::PathChanged& change,
                                    const std::optional<policy::IpAddress>& source) {
    if (source) {
        auto& known = sources_[change.connection];
        if (known != *source) {
            known = *source;
            const auto complete = with_sources(with_auto_);
            kernel_->set_traps(served(complete));
            on_command(ike::Reconfigure{usable(complete)});
        }
    }
    on_command(change);
}

void RunningRouter::on_child_lost(policy::ChildSpi inbound) {
    // What a rekey needs is the same as at a soft limit: new states in place of these.
    endpoint_.on_kernel_event(now(), ike::SoftExpired{inbound});
    after_input();
}

void RunningRouter::after_input() {
    while (const auto effect = endpoint_.next_effect()) {
        const auto outcome = effects_->run(*effect);
        if (const auto* const failure = std::get_if<ike::EffectFailure>(&outcome)) {
            endpoint_.on_effect_failed(now(), *failure);
        } else if (const auto* const event = std::get_if<ike::KernelEvent>(&outcome)) {
            endpoint_.on_kernel_event(now(), *event);
        }
    }
    arm_timer();
}

void RunningRouter::arm_timer() {
    const auto deadline = endpoint_.next_deadline();
    if (deadline == armed_for_) {
        return;
    }
    armed_for_ = deadline;
    if (!deadline) {
        timer_.cancel();
        return;
    }
    // Asio subtracts time points, which TimePoint::min() would overflow.
    timer_.expires_at(std::max(*deadline, now()));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        // A timer that was moved on after it had gone off completes without an error.
        if (error || alive.expired() || timer_.expiry() > now()) {
            return;
        }
        armed_for_.reset();
        endpoint_.on_deadline(now());
        after_input();
    });
}

} // namespace viaduct::daemon
