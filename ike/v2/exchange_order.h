// Which of our requests goes out when: one at a time (window 1), the most urgent first.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// Sends the request now, or when those before it are answered.
void request(Turn& turn, IkeSaFacts& facts, Established& sa, RequestPurpose purpose);

/// Sends the most urgent waiting request, if none is under way: the end of the IKE SA before its
/// rekey, before the end of children, before new children, before a liveness check.
void start_waiting_request(Turn& turn, IkeSaFacts& facts, Established& sa);

} // namespace viaduct::ike::v2
