// Rekeying the IKE SA by CREATE_CHILD_SA, in both roles (RFC 7296 sections 1.3.2, 2.8, 2.8.2, 2.18
// and 2.25.2). The new SA inherits the children; of two that cross, the nonces say which.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"
#include "ike/wire/v2_message_rules.h"

#include <expected>

namespace viaduct::ike::v2 {

/// Asks for a successor, unless that is done already.
void rekey_ike_sa(Turn& turn, IkeSaFacts& facts, Established& sa);

/// The payloads of our request; fills what the purpose keeps while it is under way. Nothing when no
/// key pair could be made.
std::optional<std::vector<wire::Payload>> begin_ike_rekey(Turn& turn, const Established& sa,
                                                          purpose::RekeyIkeSa& purpose);

/// Handles the response. What comes back is why the IKE SA must end, if it must.
std::optional<Cause> consume_ike_rekey_response(Turn& turn, IkeSaFacts& facts, Established& sa,
                                                purpose::RekeyIkeSa purpose,
                                                std::vector<wire::Payload> payloads);

/// Handles the response when the SA is closing: the peer believes in the successor, which has to be
/// deleted too.
void abandon_ike_rekey(Turn& turn, const IkeSaFacts& facts, const Established& sa,
                       const purpose::RekeyIkeSa& purpose, std::vector<wire::Payload> payloads);

/// As responder: the payloads of the answer, or what the peer did wrong.
std::expected<std::vector<wire::Payload>, Cause>
answer_ike_rekey(Turn& turn, const IkeSaFacts& facts, Established& sa,
                 const wire::CreateChildRequest& request);

/// The peer deletes this SA, or it ends, while our own rekey of it is under way: what the peer made
/// inherits, if there is something.
void bequeath_to_rival(Turn& turn, Established& sa);

} // namespace viaduct::ike::v2
