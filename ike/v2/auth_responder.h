// IKE_AUTH as responder (RFC 7296 sections 1.2, 2.15 and 2.21.2).
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// To Established; or to Lingering after a refusal, so that a repeated request gets the same
/// answer. A request that does not verify leaves the state as it is.
IkeSaState consume_auth_request(Turn& turn, IkeSaFacts& facts, AuthAwaited state,
                                const Received& received);

} // namespace viaduct::ike::v2
