// Informational exchanges (RFC 2409 section 5.7): one message, protected by HASH(1), which nobody
// answers under the same message ID.
#pragma once

#include "ike/v1/exchange_message.h"
#include "ike/wire/v1_message_rules.h"

namespace viaduct::ike::v1 {

std::optional<Messages> seal_informational(Turn& turn, const IkeSaFacts& facts,
                                           const IsakmpKeys& keys, wire::MessageId id,
                                           const Payloads& payloads, const std::string& connection);
/// Seals it under a fresh message ID and sends it.
void send_informational(Turn& turn, const IkeSaFacts& facts, Established& sa,
                        const Payloads& payloads);

/// Nothing unless it verifies.
std::optional<wire::v1::ProtectedInformational>
open_informational(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                   const wire::v1::EncryptedMessage& message, const std::string& connection);

/// What a protected informational exchange means for an established SA.
IsakmpSaState consume_informational(Turn& turn, IkeSaFacts& facts, Established sa,
                                    const wire::v1::EncryptedMessage& message,
                                    const policy::UdpPath& path);

} // namespace viaduct::ike::v1
