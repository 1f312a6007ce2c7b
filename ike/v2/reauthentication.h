// When both sides authenticate anew (RFC 4478). The side that began the first exchange sees to it,
// by a new IKE SA that is up before the old one goes.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// From the connection's configuration, when the SA is authenticated.
void plan_reauthentication(Turn& turn, Established& sa);
/// AUTH_LIFETIME: the peer will end the SA when so many seconds are over. An earlier time stays.
void consider_auth_lifetime(Turn& turn, Established& sa,
                            std::span<const wire::NotifyPayload> notifies);
/// What we tell as responder; nothing when the connection is not authenticated anew. Four octets,
/// seconds, network byte order (RFC 4478 section 3).
std::optional<wire::NotifyPayload> auth_lifetime_notify(const policy::Connection& connection);

} // namespace viaduct::ike::v2
