// TEMPORARY_FAILURE again and again: when a peer counts as out of step (RFC 7296 section 2.25).
#pragma once

#include "ike/v2/ike_sa_state.h"

namespace viaduct::ike::v2 {

/// Notes that the peer answered a CREATE_CHILD_SA request of ours, with the error `refusal` unless
/// it agreed. True when it has said nothing but TEMPORARY_FAILURE, again and again, for minutes.
bool note_answer(Established& sa, TimePoint now, std::optional<wire::NotifyType> refusal);

/// The peer made a child SA of its own accord, and we agreed: it is in step, whatever it refused.
void note_agreement(Established& sa);

} // namespace viaduct::ike::v2
