#include "daemon/report_line.h"

#include <fmt/format.h>

#include <utility>

namespace viaduct::daemon {

namespace {

std::string role_text(ike::Role role) {
    return role == ike::Role::initiator ? "initiator" : "responder";
}

std::string path_text(const policy::UdpPath& path) {
    return path.local.to_string() + " - " + path.remote.to_string();
}

std::string spi_pair(ike::wire::IkeSpi initiator, ike::wire::IkeSpi responder) {
    return ike::wire::to_string(initiator) + "_" + ike::wire::to_string(responder);
}

/// Whether an SA that ended so is a matter of course.
bool is_expected(const ike::Cause& why) {
    return std::holds_alternative<ike::cause::ClosedByPeer>(why) ||
           std::holds_alternative<ike::cause::ClosedByOperator>(why) ||
           std::holds_alternative<ike::cause::LifetimeReached>(why) ||
           std::holds_alternative<ike::cause::Reconfigured>(why) ||
           std::holds_alternative<ike::cause::ReplacedByPeer>(why) ||
           std::holds_alternative<ike::cause::Replaced>(why);
}

LogLevel closing_level(const ike::Cause& why) {
    return is_expected(why) ? LogLevel::info : LogLevel::warn;
}

struct LineOf {
    ike::TimePoint now;

    ReportLine operator()(const ike::MessageReport& message) const {
        const bool received = message.direction == ike::Direction::received;
        const auto& path = message.path;
        const auto place = received ? path.remote.to_string() + " > " + path.local.to_string()
                                    : path.local.to_string() + " > " + path.remote.to_string();
        return {LogLevel::debug,
                fmt::format("{} [{}] {} id {}", message.arrow, place,
                            message.response ? "response" : "request",
                            std::to_underlying(message.message_id)),
                message.connection, spi_pair(message.initiator_spi, message.responder_spi),
                message.details};
    }
    ReportLine operator()(const ike::IkeSaEstablished& sa) const {
        return {LogLevel::info,
                fmt::format("IKE SA established as {}: {}, peer {}, {}", role_text(sa.role),
                            path_text(sa.path), sa.peer.to_string(), sa.suite.to_string()),
                sa.connection,
                spi_pair(sa.initiator_spi, sa.responder_spi),
                {}};
    }
    ReportLine operator()(const ike::IkeSaClosed& sa) const {
        return {closing_level(sa.why),
                "IKE SA closed: " + ike::to_string(sa.why),
                sa.connection,
                spi_pair(sa.initiator_spi, sa.responder_spi),
                {}};
    }
    ReportLine operator()(const ike::ChildSaEstablished& child) const {
        return {LogLevel::info,
                fmt::format("child SA established: {} === {}, {}{}, outbound SPI {}",
                            policy::to_string(child.local_selectors),
                            policy::to_string(child.remote_selectors), child.suite.to_string(),
                            child.mode == policy::EspMode::transport ? " in transport mode" : "",
                            to_string(child.outbound_spi)),
                child.connection,
                to_string(child.inbound_spi),
                {}};
    }
    ReportLine operator()(const ike::ChildSaClosed& child) const {
        return {closing_level(child.why),
                "child SA closed: " + ike::to_string(child.why),
                child.connection,
                to_string(child.inbound_spi),
                {}};
    }
    ReportLine operator()(const ike::NegotiationFailed& failure) const {
        auto text = fmt::format("negotiation as {} with {} failed: {}", role_text(failure.role),
                                failure.path.remote.to_string(), ike::to_string(failure.why));
        if (failure.retry) {
            const auto left = std::max(*failure.retry, now) - now;
            text += fmt::format("; next attempt in {:.0f} s",
                                std::chrono::duration<double>(left).count());
        }
        return {LogLevel::warn, std::move(text), failure.connection, {}, {}};
    }
    ReportLine operator()(const ike::Retransmitted& again) const {
        return {LogLevel::debug,
                fmt::format("{} request sent again, attempt {}",
                            ike::wire::to_string(again.exchange), again.attempt),
                again.connection,
                {},
                {}};
    }
    ReportLine operator()(const ike::PeerMoved& moved) const {
        return {LogLevel::info,
                fmt::format("the peer moved from {} to {}", moved.from.to_string(),
                            moved.to.to_string()),
                moved.connection,
                {},
                {}};
    }
};

} // namespace

ReportLine report_line(const ike::ReportEvent& event, ike::TimePoint now) {
    return std::visit(LineOf{now}, event);
}

bool may_come_from_anybody(const ike::ReportEvent& event) {
    const auto* failure = std::get_if<ike::NegotiationFailed>(&event);
    return failure != nullptr && failure->role == ike::Role::responder;
}

} // namespace viaduct::daemon
