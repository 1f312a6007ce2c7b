// Saying, and hearing, why something is refused (RFC 2408 section 3.14.1).
#pragma once

#include "ike/v1/exchange_message.h"

namespace viaduct::ike::v1 {

/// What a cause is called towards the peer.
wire::v1::NotifyType notification_type(const Cause& why);

/// The same of an offer of phase 1, of which the method of authentication is a part.
wire::v1::NotifyType offer_refusal(const Cause& why);

/// An informational exchange in clear: for whom there are no keys with.
wire::Octets clear_notification(Turn& turn, const IkeSaFacts& facts, wire::v1::NotifyType type,
                                const std::string& connection);

/// Tells an authenticated peer, or one that has our keys at least, why phase 1 or a quick mode
/// ends. What was sent comes back.
Messages refuse_peer(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys, const Cause& why,
                     const std::string& connection);

/// Phase 1 ends here although the peer is authenticated.
Gone refuse_further(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                    const std::string& connection, const Cause& why);

/// Whether an error ends what we asked for. INVALID-SPI and INVALID-COOKIE do not: they answer what
/// came under an SA that the peer has not, or has not any more.
bool is_refusal(wire::v1::NotifyType type);
/// The first refusal among notifications; null when there is none.
const wire::v1::NotifyPayload* first_error(std::span<const wire::v1::NotifyPayload> notifies);
/// What an error notification of the peer's means for us.
cause::PeerRefused peer_refusal(wire::ExchangeType exchange, const wire::v1::NotifyPayload& error);

/// A message of phase 1 that none of these connections' secrets opens.
Cause unopened_by(const IkeSaFacts& facts, const policy::UdpPath& path,
                  const std::vector<ConnectionPtr>& tried);

/// Tells the endpoint once what may be the reason why phase 1 does not go on.
void doubt(Turn& turn, MainModeAuthSent& state, Cause why);
void doubt(Turn& turn, AggressiveModeAnswered& state, Cause why);
/// As responder: the peer's message does not open. Tells the peer, too, in clear.
void doubt(Turn& turn, const IkeSaFacts& facts, MainModeKeyAnswered& state,
           const policy::UdpPath& path);
/// As responder of aggressive mode: HASH_I does not verify. Tells the peer, too, in clear.
void doubt_proof(Turn& turn, const IkeSaFacts& facts, AggressiveModeAnswered& state,
                 const policy::UdpPath& path, Cause why);

/// An informational exchange while the last message of phase 1 is awaited: a refusal.
IsakmpSaState consume_early_informational(Turn& turn, IkeSaFacts& facts, MainModeAuthSent state,
                                          const wire::v1::EncryptedMessage& message);
IsakmpSaState consume_early_informational(Turn& turn, IkeSaFacts& facts,
                                          AggressiveModeAnswered state,
                                          const wire::v1::EncryptedMessage& message);

} // namespace viaduct::ike::v1
