// Asking a silent peer for a sign of life (RFC 7296 section 2.4): an empty INFORMATIONAL request,
// unless traffic that its children took in shows that it lives.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// Asks the kernel first, the peer the second time. Nothing while another request is under way: its
/// response is a sign of life too.
void begin_liveness_check(Turn& turn, IkeSaFacts& facts, Established& sa);

/// What the kernel counted for a child.
void note_traffic(Turn& turn, Established& sa, policy::ChildSaId child,
                  std::uint64_t inbound_packets);

} // namespace viaduct::ike::v2
