// Quick mode as its initiator (RFC 2409 section 5.5). One is under way at a time; others wait.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

/// Begins a quick mode, or lets it wait for the one under way.
void request_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa, QuickModeWanted wanted);
// HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ] -->
void start_waiting_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa);

//          <-- HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]
// HDR*, HASH(3) -->
void consume_quick_mode_response(Turn& turn, IkeSaFacts& facts, Established& sa,
                                 const wire::v1::EncryptedMessage& message,
                                 std::span<const std::uint8_t> octets);

/// An error notification that concerns the one under way.
void quick_mode_refused(Turn& turn, IkeSaFacts& facts, Established& sa,
                        const wire::v1::NotifyPayload& error);
/// The timer of the first message has come.
void repeat_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa);

} // namespace viaduct::ike::v1
