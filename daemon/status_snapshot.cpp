#include "daemon/status_snapshot.h"

#include "daemon/one_line.h"
#include "policy/connection_index.h"
#include "policy/weakness.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace viaduct::daemon {

namespace {

double seconds(std::chrono::steady_clock::duration duration) {
    const double exact = std::chrono::duration<double>(duration).count();
    return std::round(exact * 1000.0) / 1000.0;
}

std::chrono::system_clock::time_point wall_time(const ClockReading& now, ike::TimePoint moment) {
    return now.wall +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(moment - now.steady);
}

std::vector<std::string> texts(const std::vector<policy::TrafficSelector>& selectors) {
    std::vector<std::string> result;
    result.reserve(selectors.size());
    for (const auto& selector : selectors) {
        result.push_back(selector.to_string());
    }
    return result;
}

ReasonReport reason_report(const ike::Cause& cause) {
    return {.code = std::string(ike::code(cause)), .text = one_line(ike::to_string(cause))};
}

std::optional<std::uint64_t> limit(std::uint64_t volume) {
    return volume == 0 ? std::nullopt : std::optional(volume);
}

CounterReport counter_report(const policy::ChildSaCounters& counters) {
    return {counters.inbound_bytes, counters.inbound_packets, counters.outbound_bytes,
            counters.outbound_packets};
}

ChildSaReport child_report(const ike::ChildSaStatus& child, const ReadCounters& read_counters,
                           const ClockReading& now) {
    ChildSaReport report;
    report.inbound_spi = to_string(child.inbound_spi);
    report.outbound_spi = to_string(child.outbound_spi);
    report.algorithms = child.suite.to_string();
    report.mode = child.mode == policy::EspMode::tunnel ? "tunnel" : "transport";
    report.local_selectors = texts(child.local_selectors);
    report.remote_selectors = texts(child.remote_selectors);
    report.udp_encapsulation = child.encapsulation.has_value();
    report.established = past(now, child.established);
    report.replacement = coming(now, child.replace_at);
    report.limit_bytes = limit(child.volume.bytes);
    report.limit_packets = limit(child.volume.packets);
    report.counters = read_counters(child.id).transform(counter_report);
    return report;
}

IkeSaReport ike_sa_report(const ike::IkeSaStatus& sa, const ReadCounters& read_counters,
                          const ClockReading& now) {
    IkeSaReport report;
    report.role = sa.role == ike::Role::initiator ? "initiator" : "responder";
    report.established = sa.established;
    report.state = one_line(sa.state);
    report.initiator_spi = ike::wire::to_string(sa.initiator_spi);
    report.responder_spi = ike::wire::to_string(sa.responder_spi);
    report.local = sa.path.local.to_string();
    report.remote = sa.path.remote.to_string();
    report.peer_id =
        sa.peer.transform([](const policy::Identity& peer) { return one_line(peer.to_string()); });
    report.algorithms = sa.suite.transform([](const auto& suite) { return suite.to_string(); });
    for (const auto& vendor_id : sa.vendor_ids) {
        report.vendor_ids.push_back(one_line(vendor_id));
    }
    report.since = past(now, sa.since);
    report.last_heard = past(now, sa.last_heard);
    report.replacement = sa.replace_at.transform([&](auto moment) { return coming(now, moment); });
    report.local_behind_nat = sa.local_behind_nat;
    report.remote_behind_nat = sa.remote_behind_nat;
    for (const auto& child : sa.children) {
        report.child_sas.push_back(child_report(child, read_counters, now));
    }
    return report;
}

std::string peer_text(const policy::PeerAddress& peer) {
    if (const auto* address = std::get_if<policy::IpAddress>(&peer)) {
        return address->to_string();
    }
    const auto* name = std::get_if<policy::PeerName>(&peer);
    return name != nullptr ? name->name : "any";
}

void add_configured(ConnectionReport& report, const policy::Connection* configured) {
    if (configured != nullptr) {
        report.local_address = configured->local_address.is_unspecified()
                                   ? "auto"
                                   : configured->local_address.to_string();
        report.peer_address = peer_text(configured->peer_address);
        report.ike_version = static_cast<std::uint64_t>(configured->ike.version);
        report.weaknesses = policy::weaknesses(*configured);
    }
}

ConnectionReport connection_report(const ike::ConnectionStatus& connection,
                                   const ReadCounters& read_counters, const ClockReading& now) {
    ConnectionReport report;
    report.name = connection.name;
    report.state = ike::to_string(connection.state);
    report.since = past(now, connection.since);
    report.reason = connection.reason.transform(reason_report);
    if (report.reason && connection.reason_at) {
        report.reason->since = past(now, *connection.reason_at);
    }
    report.next_attempt =
        connection.next_attempt.transform([&](auto moment) { return coming(now, moment); });
    report.attempts = connection.attempts;
    for (const auto& sa : connection.ike_sas) {
        report.ike_sas.push_back(ike_sa_report(sa, read_counters, now));
    }
    for (const auto& message : connection.messages) {
        report.messages.push_back(one_line(message));
    }
    return report;
}

DroppedReport dropped_report(const ike::DropCounters& dropped) {
    return {.malformed = dropped.malformed,
            .unknown_version = dropped.unknown_version,
            .unknown_exchange = dropped.unknown_exchange,
            .unknown_sa = dropped.unknown_sa,
            .no_connection = dropped.no_connection,
            .bad_message_id = dropped.bad_message_id,
            .integrity_failed = dropped.integrity_failed,
            .half_open_limit = dropped.half_open_limit,
            .ike_sa_limit = dropped.ike_sa_limit,
            .child_sa_limit = dropped.child_sa_limit,
            .cookies_sent = dropped.cookies_sent,
            .repeated = dropped.repeated,
            .unexpected = dropped.unexpected,
            .unprotected = dropped.unprotected};
}

} // namespace

std::string rfc3339(std::chrono::system_clock::time_point moment) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                       std::chrono::time_point_cast<std::chrono::seconds>(moment));
}

PastMoment past(const ClockReading& now, ike::TimePoint moment) {
    const auto before = std::min(moment, now.steady);
    return {seconds(now.steady - before), rfc3339(wall_time(now, before))};
}

ComingMoment coming(const ClockReading& now, ike::TimePoint moment) {
    const auto after = std::max(moment, now.steady);
    return {seconds(after - now.steady), rfc3339(wall_time(now, after))};
}

GuardReport guard_report(const policy::GuardCounters& counters) {
    return {counters.outbound_packets, counters.outbound_bytes, counters.inbound_packets,
            counters.inbound_bytes};
}

void describe_endpoint(RouterReport& report, const policy::Router& configured,
                       const ike::EndpointStatus& status, const ReadCounters& read_counters,
                       const ClockReading& now) {
    const policy::ConnectionIndex index(configured.connections);
    for (const auto& connection : status.connections) {
        auto& added =
            report.connections.emplace_back(connection_report(connection, read_counters, now));
        const auto found = index.find(connection.name);
        add_configured(added, found ? &configured.connections.connections[*found] : nullptr);
    }
    report.half_open = status.half_open;
    report.dropped = dropped_report(status.dropped);
    for (const auto& refusal : status.unmatched) {
        auto reason = reason_report(refusal.why);
        report.refusals.push_back({refusal.path.local.to_string(), refusal.path.remote.to_string(),
                                   std::move(reason.code), std::move(reason.text)});
    }
}

void describe_waiting(RouterReport& report, const policy::Router& configured) {
    for (const auto& connection : configured.connections.connections) {
        ConnectionReport down;
        down.name = connection.name;
        down.state = "down";
        down.since = report.since;
        add_configured(down, &connection);
        down.reason = ReasonReport{"router_waiting", report.reason.value_or(""), report.since};
        report.connections.push_back(std::move(down));
    }
}

} // namespace viaduct::daemon
