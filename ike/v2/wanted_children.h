// Which child SAs a connection wants in an IKE SA, and which of them are missing.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// One child for everything, or one for each pair of a local and a remote selector of one family.
std::vector<ChildSelectors> wanted_children(const policy::Connection& connection, bool per_pair);
/// Whether all traffic between these selectors may go through the child.
bool protects(const ChildState& child, const ChildSelectors& selectors);
/// Wanted, and neither in use nor narrowed into something that is. Of a single child for everything
/// any part that the peer left is enough.
std::vector<ChildSelectors> missing_children(const Established& sa);

/// Whether no child is in use.
bool carries_nothing(const Established& sa);
/// Whether some child is asked for already, or just being made.
bool is_creating_children(const Established& sa);

/// To be called when something has happened: begins or ends the time that an IKE SA has without a
/// child.
void watch_emptiness(TimePoint now, Established& sa);

/// Asks for what is missing, if it is on us to keep the connection up.
void create_missing_children(Turn& turn, IkeSaFacts& facts, Established& sa);
/// Passing: the peer is busy with something else (TEMPORARY_FAILURE, RFC 7296 section 2.25).
enum class Refusal : std::uint8_t { passing, lasting };
/// A child that is wanted was refused or lost: it is asked for again after a wait that grows with
/// each failure. When that is comes back; nothing if it is not on us.
std::optional<TimePoint> create_children_later(Turn& turn, Established& sa,
                                               Refusal refusal = Refusal::lasting);

} // namespace viaduct::ike::v2
