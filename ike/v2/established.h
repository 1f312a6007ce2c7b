// An established IKE SA: its birth, its messages, its deadlines.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// The state after IKE_AUTH in either role: message ids as RFC 7296 section 2.2 counts them.
Established establish(Turn& turn, Role role, ConnectionPtr connection, policy::Identity peer,
                      MessageKeys keys, policy::Secret sk_d);
/// Reports it.
void announce(Turn& turn, const IkeSaFacts& facts, const Established& sa);

/// After an IKE rekey: the SA that it made takes over children and what waits to be asked.
void inherit(Turn& turn, IkeSaFacts& facts, Established& sa, std::vector<ChildState> children,
             std::vector<RequestPurpose> waiting);

IkeSaState on_message(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received);
/// Retransmission, liveness, rekeying, reauthentication and expiry, whatever is due.
IkeSaState on_deadline(Turn& turn, IkeSaFacts& facts, Established sa);

} // namespace viaduct::ike::v2
