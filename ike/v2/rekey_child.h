// The succession of child SAs: when one is rekeyed, when traffic moves, when the old one goes
// (RFC 7296 sections 2.8, 2.8.1 and 2.25.1).
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// The child that rekeys this one and has not lost against another; its outbound side may still
/// wait.
std::optional<policy::ChildSaId> successor_of(const Established& sa, policy::ChildSaId child);

/// Asks for a successor, unless one is on its way.
void rekey_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child);

/// The peer refuses a successor. TEMPORARY_FAILURE: asks again soon. CHILD_SA_NOT_FOUND: the child
/// is gone, and made anew from scratch (RFC 7296 section 2.25). Anything else: a new IKE SA brings
/// a new child; whoever began this one sees to it.
void child_rekey_refused(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
                         wire::NotifyType notify, Cause why);

/// Its successor carries the traffic in both directions: takes its outbound SA out and deletes it
/// at the peer. Its inbound SA stays for what is under way.
void replace_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child);

/// The peer made it in an exchange that lost against ours; the peer deletes it, or we do in time.
void mark_redundant(Turn& turn, Established& sa, policy::ChildSaId child);

/// Outbound traffic moves to this child, whose outbound side waits.
void activate_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child);
/// The peer is known to have the inbound sides of these children: outbound traffic moves to them.
/// Those that compete with a child of ours under way stay as they are while the child that both
/// rekey is there.
void activate_children(Turn& turn, IkeSaFacts& facts, Established& sa,
                       const std::vector<policy::ChildSaId>& children);
/// Those whose outbound side waits while nothing that they replace carries the traffic out.
std::vector<policy::ChildSaId> children_without_way(const Established& sa);
/// Those whose outbound side waits.
std::vector<policy::ChildSaId> waiting_children(const Established& sa);

/// What is due among the children: rekeying, and the end of what is over.
void tend_children(Turn& turn, IkeSaFacts& facts, Established& sa);
/// The earliest time at which tend_children() has something to do.
TimePoint next_child_deadline(const Established& sa);

} // namespace viaduct::ike::v2
