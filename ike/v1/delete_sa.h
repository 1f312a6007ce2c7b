// The end of ISAKMP SAs and the Deletes that tell of it (RFC 2408 section 3.15). Nobody confirms
// them (section 5.15), so that each is said more than once, but for that of an ISAKMP SA that
// leaves children which no other one has.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

/// Tells the peer that these of our inbound SPIs are gone, now and some seconds later again.
void send_child_delete(Turn& turn, const IkeSaFacts& facts, Established& sa,
                       std::vector<policy::ChildSpi> spis);
/// Says again what is due.
void repeat_child_deletes(Turn& turn, const IkeSaFacts& facts, Established& sa);

/// The children go to another ISAKMP SA of the same peer, but for those whose quick mode is not
/// finished; what follows is for the new one to do.
void give_children(Turn& turn, Established& sa);

/// Ends it: the children go with it, unless another ISAKMP SA of the peer can have them. Reports,
/// tells the endpoint and the peer.
IsakmpSaState close_isakmp_sa(Turn& turn, IkeSaFacts& facts, Established sa, const Cause& why);
/// The same without a word to the peer, which has forgotten it.
void forget_isakmp_sa(Turn& turn, const IkeSaFacts& facts, Established sa, const Cause& why);
/// The end of its lifetime, which says nothing about the children. The peer is told: twice where
/// none are left here, once where they live on without an ISAKMP SA.
IsakmpSaState expire(Turn& turn, IkeSaFacts& facts, Established sa);
/// The peer deletes phase 1, which says nothing about the children.
IsakmpSaState closed_by_peer(Turn& turn, IkeSaFacts& facts, Established sa);

} // namespace viaduct::ike::v1
