#include "ike/v2/transport_mode.h"

#include "ike/transport_mode.h"
#include "ike/v2/failure_notify.h"

namespace viaduct::ike::v2 {

using policy::EspMode;

namespace {

/// Transport mode where the connection wants it, no NAT is on the way, and the selectors are the
/// two gateways' own addresses. Behind a NAT each side would have to put the addresses that it sees
/// into the other's selectors (RFC 7296 section 2.23.1); tunnel mode carries the same packets.
EspMode mode_between(const IkeSaFacts& facts, const policy::Connection& connection,
                     std::span<const policy::TrafficSelector> local,
                     std::span<const policy::TrafficSelector> remote) {
    return !facts.nat.found() && are_between_gateways(facts.path, local, remote)
               ? connection.esp.mode
               : EspMode::tunnel;
}

} // namespace

EspMode offered_mode(const IkeSaFacts& facts, const policy::Connection& connection,
                     const ChildSelectors& selectors) {
    return mode_between(facts, connection, selectors.local, selectors.remote);
}

EspMode chosen_mode(const IkeSaFacts& facts, const policy::Connection& connection,
                    const policy::NarrowedSelectors& selectors,
                    std::span<const wire::NotifyPayload> request) {
    if (!contains(request, wire::NotifyType::use_transport_mode))
        return EspMode::tunnel;
    return mode_between(facts, connection, selectors.local(), selectors.remote());
}

std::expected<EspMode, Cause> answered_mode(wire::ExchangeType exchange, EspMode offered,
                                            std::span<const wire::NotifyPayload> response) {
    if (!contains(response, wire::NotifyType::use_transport_mode))
        return EspMode::tunnel;
    if (offered != EspMode::transport)
        return std::unexpected(cause::ProtocolViolation{
            exchange, "the answer has USE_TRANSPORT_MODE, which was not asked for"});
    return EspMode::transport;
}

void append_mode(std::vector<wire::Payload>& payloads, EspMode mode) {
    if (mode == EspMode::transport)
        payloads.emplace_back(plain_notify(wire::NotifyType::use_transport_mode));
}

} // namespace viaduct::ike::v2
