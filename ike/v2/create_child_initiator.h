// CREATE_CHILD_SA as initiator, for a further child SA or the successor of one (RFC 7296 sections
// 1.3.1 and 1.3.3).
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// The payloads of the request; fills what the purpose keeps while it is under way. Nothing when
/// the child that was to be rekeyed is gone, or no key pair could be made.
std::optional<std::vector<wire::Payload>> begin_create_child(Turn& turn, const IkeSaFacts& facts,
                                                             const Established& sa,
                                                             purpose::CreateChild& purpose);

/// Handles the response. What comes back is why the IKE SA must end, if it must.
std::optional<Cause> consume_create_child_response(Turn& turn, IkeSaFacts& facts, Established& sa,
                                                   purpose::CreateChild purpose,
                                                   std::vector<wire::Payload> payloads);

} // namespace viaduct::ike::v2
