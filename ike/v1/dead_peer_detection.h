// Dead peer detection (RFC 3706), in both directions.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

/// An R-U-THERE-ACK that answers no question of ours, by its number or its cookies (RFC 3706
/// section 6.2): it may have been said at any time, and shows no life.
bool is_stray_answer(const IkeSaFacts& facts, const Established& sa,
                     const wire::v1::NotifyPayload& notify);

/// Asks the kernel first whether traffic came in, then the peer.
void begin_liveness_check(Turn& turn, IkeSaFacts& facts, Established& sa);
/// Asks the kernel what came in: note_traffic() is told.
void read_traffic(Turn& turn, const Established& sa);
/// Asks the peer. What comes in from its children while the question is repeated answers it, too.
void question_peer(Turn& turn, const IkeSaFacts& facts, Established& sa);
/// Again. RFC 3706 6.1: with the same sequence number.
void repeat_question(Turn& turn, const IkeSaFacts& facts, Established& sa);

/// The kernel's answer.
void note_traffic(Turn& turn, Established& sa, policy::ChildSaId child,
                  std::uint64_t inbound_packets);

/// R-U-THERE is answered, R-U-THERE-ACK noted.
void consume_dead_peer_detection(Turn& turn, const IkeSaFacts& facts, Established& sa,
                                 const wire::v1::NotifyPayload& notify);

} // namespace viaduct::ike::v1
