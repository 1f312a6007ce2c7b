#include "daemon/xfrm_kernel.h"

#include "daemon/offload_refusals.h"
#include "daemon/rate_limit.h"
#include "daemon/segment_clamp.h"
#include "netns/firewall_table.h"
#include "netns/kernel_setting.h"
#include "netns/outer_path.h"
#include "netns/path_mtu.h"
#include "netns/tunnel_interfaces.h"
#include "policy/tunnel_mtu.h"
#include "xfrm/kernel_probe.h"
#include "xfrm/leftovers.h"
#include "xfrm/security_associations.h"
#include "xfrm/trap_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <ranges>
#include <set>
#include <span>

namespace viaduct::daemon {

namespace {

std::expected<void, std::string> in_words(const std::expected<void, netns::SystemError>& result) {
    return result.transform_error([](const auto& error) { return error.to_string(); });
}

std::expected<void, std::string> in_words(const std::expected<void, xfrm::KernelFailure>& result) {
    return result.transform_error([](const auto& failure) { return failure.to_string(); });
}

std::optional<std::uint32_t>
as_optional(const std::expected<std::uint32_t, netns::SystemError>& value) {
    return value ? std::optional(*value) : std::nullopt;
}

/// net/xfrm/xfrm_policy.c: 1 drops what has no state yet.
constexpr const char* larval_drop = "core/xfrm_larval_drop";

/// 0 where there is no way.
std::uint32_t outgoing_interface(const netns::NetworkNamespace& place,
                                 const policy::IpAddress& local, const policy::IpAddress& remote) {
    auto routes = netns::RouteLookup::open(place);
    const auto route =
        routes ? routes->towards(remote, local).value_or(std::nullopt) : std::nullopt;
    return route ? route->interface : 0;
}

class XfrmKernel : public RouterKernel {
public:
    XfrmKernel(std::string router, const netns::NetworkNamespace& place,
               xfrm::SecurityAssociations associations, netns::TunnelInterfaces interfaces,
               netns::FirewallTable table, bool was_abandoned, boost::asio::io_context& loop,
               LogWriter& log)
        : router_(std::move(router)),
          place_(place),
          associations_(std::move(associations)),
          interfaces_(std::move(interfaces)),
          table_(std::move(table)),
          was_abandoned_(was_abandoned),
          clamp_(
              loop, log, router_, [this](auto paths) { return netns::path_mtus(place_, paths); },
              table_),
          log_(log) {}

    std::expected<void, std::string> install_firewall(const policy::FirewallRules& rules) override {
        auto installed = in_words(table_.install(rules));
        if (installed) {
            clamp_.set_packet_limits(rules.packet_limits);
        }
        // Behind the guard and not before it: without an earlier run's policies its traffic would
        // leave in clear.
        if (installed && !leftovers_removed_) {
            leftovers_removed_ = true;
            remove_leftovers();
        }
        if (installed && was_abandoned_) {
            let_forward_again();
        }
        return installed;
    }
    std::expected<void, std::string> remove_firewall() override {
        return in_words(table_.remove());
    }
    bool is_foreign_change(std::span<const std::uint8_t> notification) override {
        return table_.is_foreign_change(notification);
    }
    void distrust_firewall() override { table_.distrust(); }
    bool trusts_firewall() override { return table_.is_trusted(); }
    bool has_firewall() override { return table_.is_present().value_or(true); }
    std::optional<policy::GuardCounters> guard_counters() override {
        auto counted = table_.counters();
        return counted ? std::optional(*counted) : std::nullopt;
    }
    std::expected<void, std::string> install(const policy::ChildSa& child) override {
        const auto installed = associations_.install(child);
        if (installed) {
            clamp_.on_installed(child);
            fit_interface(child.if_id);
        }
        return after_install(installed);
    }
    std::expected<void, std::string> install_inbound(const policy::ChildSa& child) override {
        const auto installed = associations_.install_inbound(child);
        if (installed) {
            clamp_.on_installed(child);
            fit_interface(child.if_id);
        }
        return after_install(installed);
    }
    std::expected<void, std::string> install_outbound(const policy::ChildSa& child) override {
        const auto installed = associations_.install_outbound(child);
        if (!installed) {
            forget_tunnel(child.id);
        }
        return after_install(installed);
    }
    std::expected<void, std::string> remove_outbound(policy::ChildSaId child) override {
        // What it still takes in is under way already; segments to come fit its successor.
        forget_tunnel(child);
        return in_words(associations_.remove_outbound(child));
    }
    std::expected<void, std::string>
    move(policy::ChildSaId child, const policy::UdpPath& path,
         const std::optional<policy::UdpEncapsulation>& encapsulation) override {
        const auto moved = associations_.move(child, path, encapsulation);
        if (moved) {
            clamp_.on_moved(child, path, encapsulation);
            if (const auto* const sending = clamp_.find(child)) {
                fit_interface(sending->if_id);
            }
            note_offload_refusal();
        }
        return in_words(moved);
    }
    std::expected<void, std::string> remove(policy::ChildSaId child) override {
        forget_tunnel(child);
        return in_words(associations_.remove(child));
    }
    void set_interfaces(const policy::ConnectionSet& connections) override {
        offload_refusals_.keep_only(connections);
        route_based_.connections.clear();
        std::ranges::copy_if(
            connections.connections, std::back_inserter(route_based_.connections),
            [](const policy::Connection& each) { return each.interface.has_value(); });
        wanted_interfaces_ = policy::wanted_interfaces(route_based_);
        fitted_interfaces_.clear();
        for (auto& interface : wanted_interfaces_) {
            if (interface.mtu == 0) {
                interface.mtu = fitting_mtu(interface);
                fitted_interfaces_.insert(interface.if_id);
            }
        }
        note_interfaces(interfaces_.set(wanted_interfaces_));
    }
    void guard_interfaces() override {
        const auto review = interfaces_.restore();
        note_missing(review.missing);
        note_interfaces(review.failures);
    }
    netns::InterfaceReview look_at_interfaces() override { return interfaces_.look(); }
    netns::InterfaceReview mend_interfaces() override {
        auto found = interfaces_.look();
        interfaces_.distrust();
        auto review = interfaces_.restore();
        note_missing(review.missing);
        note_interfaces(review.failures);
        std::ranges::move(review.failures, std::back_inserter(found.failures));
        return found;
    }
    void note_network_change(std::span<const std::uint8_t> notification) override {
        interfaces_.note(notification);
        clamp_.doubt_paths();
    }
    void distrust_interfaces() override {
        interfaces_.distrust();
        clamp_.doubt_paths();
    }
    void follow_paths() override {
        if (clamp_.review_paths(std::chrono::steady_clock::now())) {
            fit_interfaces();
        }
    }
    void set_traps(const policy::ConnectionSet& connections) override {
        const auto changes = traps_.replace(connections);
        // Before the first can catch a packet.
        if (!traps_.empty() && !packets_wait_) {
            let_packets_wait();
        }
        // Those that come before those that go: what both catch is not let go.
        for (const auto& trap : changes.added) {
            if (const auto installed = in_words(associations_.install_trap(trap)); !installed) {
                warn("no traffic will bring it up: " + installed.error(), trap.connection);
                traps_.forget(trap.id);
            }
        }
        for (const auto trap : changes.removed) {
            if (const auto removed = in_words(associations_.remove_trap(trap)); !removed) {
                warn("a trap was not removed: " + removed.error());
            }
        }
    }
    const policy::Trap* find_trap(std::uint32_t reqid) const override { return traps_.find(reqid); }
    std::optional<policy::ChildSpi> child_with(const policy::IpAddress& destination,
                                               policy::ChildSpi spi) const override {
        return associations_.child_with(destination, spi);
    }
    void remove_all() override {
        associations_.remove_all();
        interfaces_.remove_all();
        if (packets_wait_) {
            static_cast<void>(netns::write_setting(place_, larval_drop, *packets_wait_));
            packets_wait_.reset();
        }
    }
    void abandon() override {
        // Only a name of the daemon's own network went, or an operator has closed it himself.
        const auto own = netns::NetworkNamespace::identity_of("/proc/self/ns/net");
        if ((own && *own == place_.identity()) ||
            associations_.forwarding() == xfrm::ForwardedInClear::are_dropped) {
            return;
        }
        // The mark comes first: without it nobody lifts what the other does.
        if (const auto marked = in_words(table_.mark_abandoned()); !marked) {
            warn("the router was given up, and who takes it over has to let it forward again (ip "
                 "xfrm policy setdefault fwd accept): " +
                 marked.error());
        }
        const auto closed =
            in_words(associations_.set_forwarding(xfrm::ForwardedInClear::are_dropped));
        if (!closed) {
            warn("the router was given up and may forward in clear while it ends: " +
                 closed.error());
        }
    }
    std::optional<policy::ChildSaCounters> counters(policy::ChildSaId child) override {
        auto counted = associations_.counters(child);
        return counted ? std::optional(*counted) : std::nullopt;
    }
    std::expected<void, std::string> begin_comparison() override {
        auto begun = associations_.compare(place_);
        if (!begun) {
            comparison_.reset();
            return std::unexpected(begun.error().to_string());
        }
        comparison_ = std::move(*begun);
        all_listed_ = false;
        return {};
    }
    std::expected<ComparedPiece, std::string> continue_comparison() override {
        if (!all_listed_) {
            const auto complete = comparison_->advance();
            if (!complete) {
                comparison_.reset();
                return std::unexpected(complete.error().to_string());
            }
            all_listed_ = *complete;
            return ComparedPiece();
        }
        auto differences = comparison_->next_differences();
        if (!differences) {
            comparison_.reset();
            return ComparedPiece{.complete = true};
        }
        ComparedPiece piece;
        for (auto& difference : *differences) {
            const auto child = associations_.child_of(difference);
            piece.drifts.push_back({std::move(difference), child});
        }
        return piece;
    }
    std::expected<void, std::string> mend(const KernelDrift& drift) override {
        return in_words(associations_.mend(drift.difference));
    }

private:
    /// Says once for a connection and a device that hardware does not do what it was asked for.
    void note_offload_refusal() {
        const auto refusal = associations_.take_offload_refusal();
        if (refusal && offload_refusals_.is_news(refusal->connection, refusal->interface_index)) {
            warn("no hardware offload, the kernel does it: " + refusal->reason,
                 refusal->connection);
        }
    }

    std::expected<void, std::string>
    after_install(const std::expected<void, xfrm::KernelFailure>& installed) {
        note_offload_refusal();
        return in_words(installed);
    }

    /// What is sent from now on is sent by others, perhaps on a wider way.
    void forget_tunnel(policy::ChildSaId child) {
        const auto* const sending = clamp_.find(child);
        if (sending == nullptr) {
            return;
        }
        const auto if_id = sending->if_id;
        const auto connection = sending->connection;
        clamp_.on_removed(child);
        if (clamp_.path_mtu(connection)) {
            fit_interface(if_id);
        }
    }

    /// Reads the way to the peers of an interface again, where its MTU is whatever fits. Whether
    /// that is another now.
    bool fit(policy::WantedInterface& interface) {
        if (!fitted_interfaces_.contains(interface.if_id)) {
            return false;
        }
        const auto mtu = fitting_mtu(interface);
        return std::exchange(interface.mtu, mtu) != mtu;
    }

    void fit_interface(std::uint32_t if_id) {
        const auto found =
            std::ranges::find(wanted_interfaces_, if_id, &policy::WantedInterface::if_id);
        if (found != wanted_interfaces_.end() && fit(*found)) {
            note_interfaces(interfaces_.set(wanted_interfaces_));
        }
    }

    void fit_interfaces() {
        bool changed = false;
        for (auto& interface : wanted_interfaces_) {
            changed = fit(interface) || changed;
        }
        if (changed) {
            note_interfaces(interfaces_.set(wanted_interfaces_));
        }
    }

    std::uint16_t fitting_mtu(const policy::WantedInterface& interface) {
        std::vector<std::uint32_t> paths;
        paths.reserve(interface.connections.size());
        for (const auto* const connection : interface.connections) {
            paths.push_back(path_mtu(*connection).value_or(policy::usual_path_mtu));
        }
        return policy::inner_mtu(interface, paths);
    }

    /// To where its child SAs lead; without any to where they would, as far as that is known.
    std::optional<std::uint32_t> path_mtu(const policy::Connection& connection) {
        const auto* const peer = std::get_if<policy::IpAddress>(&connection.peer_address);
        const auto sending = clamp_.path_mtu(connection.name);
        if (sending || peer == nullptr) {
            return sending;
        }
        return as_optional(netns::path_mtu(place_, {connection.local_address, *peer}));
    }

    /// Whoever does it again and again is told of now and then.
    void note_missing(const std::vector<netns::MissingPart>& missing) {
        constexpr std::size_t named = 5;
        if (missing.empty() || !missing_limit_.admit(std::chrono::steady_clock::now())) {
            return;
        }
        const auto shown = std::min(missing.size(), named);
        const auto first =
            std::span(missing).first(shown) | std::views::transform(&netns::MissingPart::request);
        warn(fmt::format(
            "somebody changed what is ours of the interfaces; it is asked for again: {}{}",
            fmt::join(first, ", "),
            missing.size() > shown ? fmt::format(" and {} more", missing.size() - shown) : ""));
    }

    /// Each reason once, until everything is there again.
    void note_interfaces(const std::vector<netns::SystemError>& failures) {
        std::set<std::string> reasons;
        for (const auto& failure : failures) {
            reasons.insert(failure.to_string());
        }
        for (const auto& reason : reasons) {
            if (!interface_troubles_.contains(reason)) {
                warn("an interface is not as configured: " + reason);
            }
        }
        interface_troubles_ = std::move(reasons);
    }

    /// A packet that is caught waits for the tunnel, as up to 99 more do, and is not dropped.
    void let_packets_wait() {
        auto before = netns::read_setting(place_, larval_drop);
        auto done = before.and_then(
            [&](const std::string&) { return netns::write_setting(place_, larval_drop, "0"); });
        if (done) {
            packets_wait_ = std::move(*before);
        } else {
            warn("the packets that bring a connection up are lost: " + done.error().to_string());
        }
    }

    /// After a predecessor that was killed, and cannot say what it found: as the kernel begins.
    void drop_packets_again() {
        const auto found = netns::read_setting(place_, larval_drop);
        if (found && *found == "0") {
            static_cast<void>(netns::write_setting(place_, larval_drop, "1"));
        }
    }

    void warn(const std::string& text, const std::string& connection = {}) {
        log_.write(LogArea::xfrm, LogLevel::warn, text,
                   {.router = router_, .connection = connection});
    }

    void let_forward_again() {
        const auto done = in_words(associations_.set_forwarding(xfrm::ForwardedInClear::pass));
        if (!done) {
            warn("the router passes nothing on in clear since its namespace lost its name: " +
                 done.error());
            return;
        }
        was_abandoned_ = false;
        if (const auto unmarked = in_words(table_.unmark_abandoned()); !unmarked) {
            warn("the chain abandoned stays in table inet viaduct: " + unmarked.error());
        }
    }
    void remove_leftovers() {
        const auto removed = xfrm::remove_leftovers(place_);
        if (!removed) {
            log_.write(LogArea::xfrm, LogLevel::warn,
                       "what an earlier run left stays: " + removed.error().to_string(),
                       {.router = router_});
        } else if (removed->states + removed->policies > 0) {
            drop_packets_again();
            log_.write(LogArea::xfrm, LogLevel::info,
                       fmt::format("removed what an earlier run left: {} states, {} policies",
                                   removed->states, removed->policies),
                       {.router = router_});
        }
    }

    std::string router_;
    const netns::NetworkNamespace& place_;
    xfrm::SecurityAssociations associations_;
    netns::TunnelInterfaces interfaces_;
    std::set<std::string> interface_troubles_;
    RateLimit missing_limit_{0.1, 3.0};
    policy::ConnectionSet route_based_;
    /// Refers into route_based_.
    std::vector<policy::WantedInterface> wanted_interfaces_;
    /// Ids of those whose MTU is not configured.
    std::set<std::uint32_t> fitted_interfaces_;
    netns::FirewallTable table_;
    /// The router had a daemon before that gave it up, and nothing passes in clear since.
    bool was_abandoned_;
    SegmentClamp clamp_;
    LogWriter& log_;
    bool leftovers_removed_ = false;
    std::optional<xfrm::KernelComparison> comparison_;
    bool all_listed_ = false;
    xfrm::TrapTable traps_;
    /// While packets wait at traps: what the setting was before.
    std::optional<std::string> packets_wait_;
    OffloadRefusals offload_refusals_;
};

} // namespace

std::expected<std::unique_ptr<RouterKernel>, std::string>
XfrmKernelSource::open(const std::string& router, const netns::NetworkNamespace& place) {
    auto associations = xfrm::SecurityAssociations::open(
        place, features(),
        [&place](const policy::IpAddress& local, const policy::IpAddress& remote) {
            return outgoing_interface(place, local, remote);
        });
    if (!associations) {
        return std::unexpected(associations.error().to_string());
    }
    auto interfaces = netns::TunnelInterfaces::open(place);
    if (!interfaces) {
        return std::unexpected(interfaces.error().to_string());
    }
    auto table = netns::FirewallTable::open(place, owner_);
    if (!table) {
        return std::unexpected(table.error().to_string());
    }
    const auto abandoned = table->is_marked_abandoned();
    if (!abandoned) {
        return std::unexpected(abandoned.error().to_string());
    }
    return std::make_unique<XfrmKernel>(router, place, std::move(*associations),
                                        std::move(*interfaces), std::move(*table), *abandoned,
                                        loop_, log_);
}

const xfrm::KernelFeatures& XfrmKernelSource::features() {
    if (!features_) {
        auto probe = xfrm::KernelProbe::open();
        features_ = probe ? probe->features() : xfrm::KernelFeatures{};
        if (!probe) {
            warn("the kernel cannot be asked what it can: " + probe.error().to_string());
        }
    }
    return *features_;
}

std::vector<policy::Transform>
XfrmKernelSource::missing(std::span<const policy::Transform> wanted) {
    std::vector<policy::Transform> unknown;
    std::ranges::copy_if(
        wanted, std::back_inserter(unknown),
        [this](const policy::Transform& each) { return !missing_.contains(each); });
    if (!unknown.empty()) {
        auto probe = xfrm::KernelProbe::open();
        const auto lacking = probe ? probe->missing(unknown) : std::vector<policy::Transform>{};
        if (!probe) {
            warn("the kernel cannot be asked for algorithms: " + probe.error().to_string());
        }
        for (const policy::Transform& each : unknown) {
            missing_[each] = std::ranges::contains(lacking, each);
        }
    }
    std::vector<policy::Transform> result;
    std::ranges::copy_if(wanted, std::back_inserter(result),
                         [this](const policy::Transform& each) { return missing_.at(each); });
    return result;
}

void XfrmKernelSource::warn(const std::string& text) {
    log_.write(LogArea::xfrm, LogLevel::warn, text, {});
}

} // namespace viaduct::daemon
