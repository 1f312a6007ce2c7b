// IKE_SA_INIT as responder (RFC 7296 sections 1.2, 2.6 and 2.7).
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

#include <expected>

namespace viaduct::ike::v2 {

/// A request that is not taken on. `why` is for the report; absent where the refusal is a normal
/// part of the negotiation (INVALID_KE_PAYLOAD).
struct SaInitRefused {
    /// To be sent in clear; keeps no state.
    wire::Octets response;
    std::optional<Cause> why;
    /// The connection that came closest, if there was one.
    std::string connection;
};

/// Answers a request that is not a repetition. `facts` comes with the peer's SPI, ours and the
/// path. Nothing at all is answered to a request that cannot be read: the malformed counter tells.
std::expected<AuthAwaited, std::optional<SaInitRefused>>
answer_sa_init(Turn& turn, IkeSaFacts& facts, const Received& received);

} // namespace viaduct::ike::v2
