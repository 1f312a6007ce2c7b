// Aggressive mode as its responder (RFC 2409 section 5.4), for connections that say so.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/main_mode_responder.h"
#include "ike/v1/turn.h"

#include <expected>

namespace viaduct::ike::v1 {

// HDR, SA, KE, Ni, IDii -->
//          <-- HDR, SA, KE, Nr, IDir, HASH_R
std::expected<AggressiveModeAnswered, FirstMessageRefused>
answer_aggressive_mode(Turn& turn, IkeSaFacts& facts, std::vector<ConnectionPtr> candidates,
                       const Received& received);
// HDR*, HASH_I -->
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, AggressiveModeAnswered state,
                      const Received& received);

} // namespace viaduct::ike::v1
