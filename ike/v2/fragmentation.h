// Messages in fragments (RFC 7383): whether both sides do it, how long a datagram may be, and
// trying a shorter one where the path is narrower.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// Remembers what IKE_SA_INIT agreed on. Without `supported` neither side fragments.
void agree_on_fragmentation(IkeSaFacts& facts, bool supported, const policy::Fragmentation& ours);

/// As responder, when it is known which connection is meant: its limit counts, and whether its own
/// messages are to be fragmented.
void limit_fragments(IkeSaFacts& facts, const policy::Fragmentation& ours);

/// A sealed message too long for one datagram, sealed anew in fragments; else the message itself.
std::expected<Messages, crypto::CryptoError> fragmented(Turn& turn, const IkeSaFacts& facts,
                                                        MessageKeys& keys, wire::Octets message,
                                                        std::span<const wire::Payload> payloads);

/// Whether a fragment is worth opening; counts those that are not.
bool wants_fragment(Turn& turn, const IkeSaFacts& facts, const wire::OuterMessage& outer);
/// Keeps the authenticated fragment. The message, when it is complete.
std::optional<AssembledContent> take_fragment(Turn& turn, IkeSaFacts& facts,
                                              const Received& received,
                                              const crypto::OpenedPayload& opened);

/// Whether a repeated message makes us repeat the answer: of a fragmented one only the first part
/// does (RFC 7383 section 2.6.1).
bool calls_for_repetition(const wire::OuterMessage& outer);

/// Sends a request again. What got no answer several times goes on in shorter datagrams, if it is
/// longer than those (RFC 7383 section 2.5.2).
void send_again(Turn& turn, IkeSaFacts& facts, MessageKeys& keys, RequestUnderWay& request);

/// The peer repeats a request that is answered: sends the answer again, to where the repetition
/// comes from, and in shorter datagrams if the peer has changed to shorter ones.
void answer_again(Turn& turn, IkeSaFacts& facts, Established& sa, const Received& received);

} // namespace viaduct::ike::v2
