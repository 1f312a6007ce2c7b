// Main mode as its initiator (RFC 2409 section 5.4): three messages out, three back.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

// HDR, SA -->
IsakmpSaState begin_main_mode(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection);
//          <-- HDR, SA
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeSaSent state,
                      const Received& received);
// HDR, KE, Ni -->
//          <-- HDR, KE, Nr
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeKeySent state,
                      const Received& received);
// HDR*, IDii, HASH_I -->
//          <-- HDR*, IDir, HASH_R
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeAuthSent state,
                      const Received& received);

} // namespace viaduct::ike::v1
