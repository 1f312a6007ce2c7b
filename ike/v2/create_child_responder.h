// CREATE_CHILD_SA as responder (RFC 7296 sections 1.3, 2.8.1 and 2.25): a further child SA, the
// successor of one, or of the IKE SA.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

#include <expected>

namespace viaduct::ike::v2 {

/// The payloads of the answer. Fails when the request breaks the exchange's rules.
std::expected<std::vector<wire::Payload>, wire::DecodeError>
answer_create_child(Turn& turn, IkeSaFacts& facts, Established& sa,
                    std::vector<wire::Payload> payloads);

} // namespace viaduct::ike::v2
