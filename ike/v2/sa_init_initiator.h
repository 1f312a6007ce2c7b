// IKE_SA_INIT as initiator (RFC 7296 sections 1.2, 2.6 and 2.7).
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// Sends the first request.
IkeSaState begin_sa_init(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection);

/// To AuthSent, or to another IKE_SA_INIT request (COOKIE, INVALID_KE_PAYLOAD), or to Gone.
/// A response that cannot be from our peer leaves the state as it is.
IkeSaState consume_sa_init_response(Turn& turn, IkeSaFacts& facts, SaInitSent state,
                                    const Received& received);

} // namespace viaduct::ike::v2
