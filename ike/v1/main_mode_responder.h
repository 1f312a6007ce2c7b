// Main mode as its responder (RFC 2409 section 5.4).
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

#include <expected>
#include <optional>

namespace viaduct::ike::v1 {

/// A first message that was not taken on.
struct FirstMessageRefused {
    /// What is sent back; empty: nothing.
    wire::Octets response;
    std::optional<Cause> why;
    std::string connection;
};

// HDR, SA -->
//          <-- HDR, SA
std::expected<MainModeSaAnswered, FirstMessageRefused>
answer_main_mode(Turn& turn, IkeSaFacts& facts, std::vector<ConnectionPtr> candidates,
                 const Received& received);
// HDR, KE, Ni -->
//          <-- HDR, KE, Nr
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeSaAnswered state,
                      const Received& received);
// HDR*, IDii, HASH_I -->
//          <-- HDR*, IDir, HASH_R
IsakmpSaState consume(Turn& turn, IkeSaFacts& facts, MainModeKeyAnswered state,
                      const Received& received);

} // namespace viaduct::ike::v1
