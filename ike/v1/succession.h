// The succession of child SAs: when one is rekeyed, when traffic moves, when the old one goes. The
// third message of a quick mode is never confirmed and a Delete neither, so that the peer's side is
// inferred from what it does. Of several children for the same traffic the kernel sends by the
// newest; none loses its outbound SA before it is to be deleted.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

/// Asks for a successor, unless one is on its way.
void rekey_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child);

/// The peer is known to have the inbound side of a child whose outbound side waits: traffic moves
/// to it, and what it replaces goes.
void activate_child(Turn& turn, Established& sa, policy::ChildSaId child);
/// A quick mode that is over tells of its child, here or under the SA that has it by now: the peer
/// has it, or has no outbound side yet, since our third message was lost or is late.
void told_of_child(Turn& turn, Established& sa, policy::ChildSaId child, bool peer_has_it);
/// A child has its outbound side, or came from another SA: what it replaces goes, and of two that
/// cross one.
void settle_succession(Turn& turn, Established& sa, policy::ChildSaId child);
/// Those that are not known to be a way, since their outbound side waits or their third message has
/// not come, while nothing that they replace carries the traffic out.
std::vector<policy::ChildSaId> children_without_way(const Established& sa);

/// The child that carries the traffic between exactly these selectors.
std::optional<policy::ChildSaId> carrier_of(const Established& sa, const ChildSelectors& selectors);
/// The same, which a new quick mode replaces: it may have gone to another ISAKMP SA already.
std::optional<policy::ChildSaId> predecessor_for(const Turn& turn, const IkeSaFacts& facts,
                                                 const Established& sa,
                                                 const ChildSelectors& selectors);

/// Takes one child out and tells the peer.
void close_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
                 Cause why);
/// The peer deletes children by its inbound SPIs, our outbound ones.
void children_deleted_by_peer(Turn& turn, Established& sa,
                              const std::vector<policy::ChildSpi>& spis);

/// What is due among the children.
void tend_children(Turn& turn, IkeSaFacts& facts, Established& sa);
TimePoint next_child_deadline(const Established& sa);

/// Whether all traffic between these selectors may go through the child.
bool protects(const Child& child, const ChildSelectors& pair);
/// Wanted pairs that no child stands for.
std::vector<ChildSelectors> missing_children(const Established& sa);
/// Asks for what is missing, if it is on us to keep the connection up.
void create_missing_children(Turn& turn, IkeSaFacts& facts, Established& sa);
/// A child that is wanted was refused or lost: it is asked for again after a wait that grows with
/// each failure. When that is comes back; nothing if it is not on us.
std::optional<TimePoint> create_children_later(Turn& turn, Established& sa);

} // namespace viaduct::ike::v1
