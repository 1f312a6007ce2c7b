// Aggressive mode as its initiator (RFC 2409 section 5.4): half the messages, and a responder that
// shows whoever asks a hash to guess the secret from. Only where a connection says so.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

// HDR, SA, KE, Ni, IDii -->
IsakmpSaState begin_aggressive_mode(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection);
//          <-- HDR, SA, KE, Nr, IDir, HASH_R
// HDR*, HASH_I -->
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, AggressiveModeSent state,
                      const Received& received);

} // namespace viaduct::ike::v1
