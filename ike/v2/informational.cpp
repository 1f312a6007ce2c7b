#include "ike/v2/informational.h"

#include "ike/v2/child_negotiation.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/reauthentication.h"
#include "ike/v2/wanted_children.h"
#include "ike/wire/v2_message_rules.h"

#include <algorithm>
#include <iterator>

namespace viaduct::ike::v2 {

namespace {

/// RFC 7296 2.21.2 and 2.21.3: with these an initiator rejects our IKE_AUTH response. Others, such
/// as INVALID_SPI about a single ESP packet, say nothing about the IKE SA (section 3.10.1).
bool ends_ike_sa(wire::NotifyType type) {
    return type == wire::NotifyType::authentication_failed ||
           type == wire::NotifyType::invalid_syntax ||
           type == wire::NotifyType::unsupported_critical_payload;
}

/// What the peer took away is asked for again, unless the connection is to wait for the peer.
void children_lost(Turn& turn, Established& sa) {
    const bool none = carries_nothing(sa);
    if (sa.connection->close == policy::CloseAction::restart && !missing_children(sa).empty() &&
        !is_creating_children(sa))
        create_children_later(turn, sa);
    if (none)
        turn.outcomes.emplace_back(outcome::Childless{sa.connection->name, cause::ClosedByPeer{}});
}

} // namespace

std::expected<InformationalAnswer, wire::DecodeError>
answer_informational(Turn& turn, IkeSaFacts& facts, Established& sa,
                     std::vector<wire::Payload> payloads) {
    const auto message = wire::read_informational(std::move(payloads));
    if (!message)
        return std::unexpected(message.error());
    InformationalAnswer answer;
    std::vector<policy::ChildSpi> deleted;
    for (const auto& each : message->deletes) {
        if (each.protocol == policy::ProtocolId::ike) {
            // RFC 7296 1.4.1: deleting the IKE SA deletes its children and is answered empty.
            answer.end = cause::ClosedByPeer{};
            return answer;
        }
        if (each.protocol == policy::ProtocolId::esp)
            std::ranges::copy(delete_children_by_peer(turn, facts, sa, each.spis),
                              std::back_inserter(deleted));
    }
    if (!deleted.empty() && sa.standing == Standing::carrying)
        children_lost(turn, sa);
    if (!deleted.empty())
        answer.payloads.emplace_back(
            wire::DeletePayload{policy::ProtocolId::esp, std::move(deleted)});
    consider_auth_lifetime(turn, sa, message->notifies);
    for (const auto& each : message->notifies)
        if (ends_ike_sa(each.type))
            answer.end =
                cause::PeerRefused{wire::ExchangeType::informational, each.type, {}, {}, {}};
    return answer;
}

} // namespace viaduct::ike::v2
