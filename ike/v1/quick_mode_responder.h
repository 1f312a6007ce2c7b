// Quick mode as its responder (RFC 2409 section 5.5).
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

// HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ] -->
//          <-- HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]
void answer_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa,
                       const wire::v1::EncryptedMessage& message,
                       std::span<const std::uint8_t> octets);
// HDR*, HASH(3) -->
void consume_quick_mode_confirmation(Turn& turn, IkeSaFacts& facts, Established& sa,
                                     const wire::v1::EncryptedMessage& message,
                                     std::span<const std::uint8_t> octets);

/// The timer of the second message has come: it is said again, or the child is given up.
void repeat_quick_mode_answer(Turn& turn, IkeSaFacts& facts, Established& sa, wire::MessageId id);

} // namespace viaduct::ike::v1
