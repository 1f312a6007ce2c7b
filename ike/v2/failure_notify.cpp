#include "ike/v2/failure_notify.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using wire::NotifyType;

struct NotifyForCause {
    NotifyType operator()(const cause::NoProposal&) { return NotifyType::no_proposal_chosen; }
    NotifyType operator()(const cause::NoConnection&) { return NotifyType::no_proposal_chosen; }
    NotifyType operator()(const cause::NoSelectors&) { return NotifyType::ts_unacceptable; }
    // RFC 7296 2.21.2: a peer is not told whether its identity or its key was wrong.
    NotifyType operator()(const cause::IdentityMismatch&) {
        return NotifyType::authentication_failed;
    }
    NotifyType operator()(const cause::PeerNotAuthenticated&) {
        return NotifyType::authentication_failed;
    }
    NotifyType operator()(const cause::UnsupportedAuthMethod&) {
        return NotifyType::authentication_failed;
    }
    // RFC 7296 2.21.2: of those that IKE_AUTH may be answered with, it alone ends the IKE SA and
    // blames no message.
    NotifyType operator()(const cause::AlreadyUp&) { return NotifyType::authentication_failed; }
    NotifyType operator()(const cause::TooManyIkeSas&) { return NotifyType::authentication_failed; }
    NotifyType operator()(const cause::TooManyPeers&) { return NotifyType::authentication_failed; }
    NotifyType operator()(const cause::TooManyChildSas&) { return NotifyType::no_additional_sas; }
    NotifyType operator()(const cause::ProtocolViolation&) { return NotifyType::invalid_syntax; }
    NotifyType operator()(const auto&) { return NotifyType::temporary_failure; }
};

} // namespace

wire::NotifyPayload plain_notify(NotifyType type) {
    return {.protocol = policy::ProtocolId::none, .spi = {}, .type = type, .data = {}};
}

wire::NotifyPayload failure_notify(const Cause& cause) {
    return plain_notify(std::visit(NotifyForCause{}, cause));
}

wire::NotifyPayload failure_notify(const wire::DecodeError& error) {
    if (error.fault != wire::DecodeFault::unknown_critical)
        return plain_notify(NotifyType::invalid_syntax);
    auto notify = plain_notify(NotifyType::unsupported_critical_payload);
    notify.data = {error.payload};
    return notify;
}

const wire::NotifyPayload* first_error(std::span<const wire::NotifyPayload> notifies) {
    const auto found =
        std::ranges::find_if(notifies, [](const auto& each) { return wire::is_error(each.type); });
    return found == notifies.end() ? nullptr : &*found;
}

bool contains(std::span<const wire::NotifyPayload> notifies, NotifyType type) {
    return std::ranges::contains(notifies, type, &wire::NotifyPayload::type);
}

} // namespace viaduct::ike::v2
