// INFORMATIONAL as responder (RFC 7296 section 1.4): deletes, notifies, or nothing at all.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

#include <expected>

namespace viaduct::ike::v2 {

struct InformationalAnswer {
    std::vector<wire::Payload> payloads;
    /// Set when the request ends the IKE SA.
    std::optional<Cause> end;
};

/// Removes the children that the peer deletes. Fails when the payloads break the exchange's rules.
std::expected<InformationalAnswer, wire::DecodeError>
answer_informational(Turn& turn, IkeSaFacts& facts, Established& sa,
                     std::vector<wire::Payload> payloads);

} // namespace viaduct::ike::v2
