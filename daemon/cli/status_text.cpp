#include "daemon/cli/status_text.h"

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace viaduct::daemon {

namespace {

/// Lines with a label in a column of its own, indented below what they belong to.
class Lines {
public:
    void plain(const std::string& text) { text_ += text + "\n"; }
    void labelled(std::string_view label, const std::string& text) {
        plain(fmt::format("    {:<12}{}", label, text));
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::string ago(const PastMoment& moment) {
    return short_duration(moment.seconds_ago) + " ago";
}
std::string in(const ComingMoment& moment) {
    return "in " + short_duration(moment.in_seconds);
}

std::string nat_text(const IkeSaReport& sa) {
    if (!sa.local_behind_nat && !sa.remote_behind_nat) {
        return {};
    }
    if (sa.local_behind_nat && sa.remote_behind_nat) {
        return ", NAT on both sides";
    }
    return sa.local_behind_nat ? ", NAT before us" : ", NAT before the peer";
}

std::string limit_text(const ChildSaReport& child) {
    std::string text;
    if (child.limit_bytes) {
        text += " or before " + short_size(*child.limit_bytes);
    }
    if (child.limit_packets) {
        text += fmt::format(" or before {} packets", *child.limit_packets);
    }
    return text;
}

void put_child(Lines& lines, const ChildSaReport& child) {
    lines.labelled("child SA",
                   fmt::format("in {}, out {}, {}{}{}, {}, replaced {}{}", child.inbound_spi,
                               child.outbound_spi, child.algorithms,
                               child.mode == "transport" ? " in transport mode" : "",
                               child.udp_encapsulation ? " in UDP" : "", ago(child.established),
                               in(child.replacement), limit_text(child)));
    lines.labelled("", fmt::format("{} === {}", fmt::join(child.local_selectors, ", "),
                                   fmt::join(child.remote_selectors, ", ")));
    if (child.counters) {
        lines.labelled("", fmt::format("in {} packets, {}; out {} packets, {}",
                                       child.counters->inbound_packets,
                                       short_size(child.counters->inbound_bytes),
                                       child.counters->outbound_packets,
                                       short_size(child.counters->outbound_bytes)));
    }
}

void put_ike_sa(Lines& lines, const IkeSaReport& sa, std::uint64_t ike_version,
                StatusDetail detail) {
    auto state = sa.established ? "established " + ago(sa.since)
                                : sa.state + " for " + short_duration(sa.since.seconds_ago);
    if (sa.replacement) {
        state += ", replaced " + in(*sa.replacement);
    }
    lines.labelled(ike_version == 1 ? "IKEv1 SA" : "IKE SA", sa.role + ", " + state);
    lines.labelled("", fmt::format("{} - {}{}{}", sa.local, sa.remote,
                                   sa.peer_id ? ", peer " + *sa.peer_id : "", nat_text(sa)));
    if (sa.algorithms) {
        lines.labelled("", *sa.algorithms);
    }
    if (detail == StatusDetail::verbose) {
        lines.labelled("", fmt::format("SPIs {}_i {}_r{}", sa.initiator_spi, sa.responder_spi,
                                       sa.established ? ", last heard " + ago(sa.last_heard) : ""));
        for (std::size_t i = 0; i < sa.vendor_ids.size(); ++i) {
            lines.labelled("", (i == 0 ? "the peer announces " : "  ") + sa.vendor_ids[i]);
        }
    }
    for (const auto& child : sa.child_sas) {
        put_child(lines, child);
    }
}

void put_reason(Lines& lines, const ReasonReport& reason, std::string_view label) {
    lines.labelled(label,
                   reason.text + (reason.since ? " (" + ago(*reason.since) + ")" : std::string()));
}

void put_connection(Lines& lines, const ConnectionReport& connection, std::size_t name_width,
                    StatusDetail detail) {
    const bool up = connection.state == "up";
    lines.plain(fmt::format("  {:<{}}  {:<11}  {:>6}  {} - {}", connection.name, name_width,
                            up ? "UP" : connection.state,
                            short_duration(connection.since.seconds_ago), connection.local_address,
                            connection.peer_address));
    if (connection.reason && (!up || detail == StatusDetail::verbose)) {
        put_reason(lines, *connection.reason, up ? "last down" : "reason");
    }
    for (const auto& weakness : connection.weaknesses) {
        lines.labelled("weak", weakness);
    }
    if (connection.next_attempt) {
        lines.labelled("next try", fmt::format("{}, {} so far", in(*connection.next_attempt),
                                               connection.attempts));
    }
    for (const auto& sa : connection.ike_sas) {
        put_ike_sa(lines, sa, connection.ike_version, detail);
    }
    if (detail == StatusDetail::verbose) {
        for (std::size_t i = 0; i < connection.messages.size(); ++i) {
            lines.labelled(i == 0 ? "messages" : "", connection.messages[i]);
        }
    }
}

std::string dropped_text(const DroppedReport& dropped) {
    std::vector<std::string> parts;
    using Members = boost::describe::describe_members<DroppedReport, boost::describe::mod_public>;
    boost::mp11::mp_for_each<Members>([&](auto member) {
        if (const auto count = dropped.*member.pointer; count != 0) {
            std::string name(member.name);
            std::ranges::replace(name, '_', ' ');
            parts.push_back(fmt::format("{} {}", count, name));
        }
    });
    return fmt::format("{}", fmt::join(parts, ", "));
}

void put_guard(Lines& lines, const GuardReport& guard, StatusDetail detail) {
    if (detail == StatusDetail::verbose || guard.outbound_packets + guard.inbound_packets != 0) {
        lines.plain(fmt::format("  leak guard: dropped {} packets ({}) that would have left in "
                                "clear, {} ({}) that arrived in clear",
                                guard.outbound_packets, short_size(guard.outbound_bytes),
                                guard.inbound_packets, short_size(guard.inbound_bytes)));
    }
}

void put_router_details(Lines& lines, const RouterReport& router) {
    if (const auto dropped = dropped_text(router.dropped); !dropped.empty()) {
        lines.plain("  dropped: " + dropped);
    }
    for (const auto& refusal : router.refusals) {
        lines.plain(
            fmt::format("  refused: {} - {}: {}", refusal.local, refusal.remote, refusal.text));
    }
    if (router.half_open != 0) {
        lines.plain(fmt::format("  half open: {}", router.half_open));
    }
}

void put_router(Lines& lines, const RouterReport& router, StatusDetail detail) {
    const auto place = router.netns.empty() ? "own namespace" : "namespace " + router.netns;
    lines.plain(fmt::format("{}: {} {}, {}", router.name, router.state,
                            short_duration(router.since.seconds_ago), place));
    if (router.reason) {
        lines.plain("  waits: " + *router.reason);
    }
    if (router.last_send_error) {
        lines.plain(fmt::format("  cannot send ({} times): {}", router.send_errors,
                                *router.last_send_error));
    }
    if (!router.missing_algorithms.empty()) {
        lines.plain(fmt::format("  the kernel lacks {}: ESP goes without",
                                fmt::join(router.missing_algorithms, ", ")));
    }
    std::size_t name_width = 8;
    for (const auto& connection : router.connections) {
        name_width = std::max(name_width, connection.name.size());
    }
    for (const auto& connection : router.connections) {
        put_connection(lines, connection, name_width, detail);
    }
    if (router.leak_guard) {
        put_guard(lines, *router.leak_guard, detail);
    }
    if (detail == StatusDetail::verbose) {
        put_router_details(lines, router);
    }
}

} // namespace

std::string status_text(const StatusReport& report, StatusDetail detail) {
    Lines lines;
    if (detail == StatusDetail::verbose) {
        lines.plain(fmt::format("viaductd {}, started {}, kernel side: {}\n", report.version,
                                ago(report.started), report.kernel));
    }
    if (report.routers.empty()) {
        lines.plain("no router is configured");
    }
    for (std::size_t i = 0; i < report.routers.size(); ++i) {
        if (i != 0) {
            lines.plain("");
        }
        put_router(lines, report.routers[i], detail);
    }
    return lines.take();
}

std::string short_duration(double seconds) {
    const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::round(seconds)));
    const auto minutes = whole / 60;
    const auto hours = minutes / 60;
    if (whole < 60) {
        return fmt::format("{}s", whole);
    }
    if (minutes < 60) {
        return fmt::format("{}m{:02}s", minutes, whole % 60);
    }
    if (hours < 24) {
        return fmt::format("{}h{:02}m", hours, minutes % 60);
    }
    return fmt::format("{}d{:02}h", hours / 24, hours % 24);
}

std::string short_size(std::uint64_t octets) {
    if (octets < 1024) {
        return fmt::format("{} B", octets);
    }
    constexpr std::string_view units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto value = static_cast<double>(octets) / 1024.0;
    std::size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < std::size(units)) {
        value /= 1024.0;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

} // namespace viaduct::daemon
