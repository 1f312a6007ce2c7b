// Deleting child SAs and IKE SAs, from either side (RFC 7296 sections 1.4.1 and 2.25).
#pragma once

#include "ike/child_installation.h"
#include "ike/v2/ike_sa_state.h"
#include "ike/v2/timers.h"
#include "ike/v2/turn.h"

#include <span>

namespace viaduct::ike::v2 {

/// Takes the children out of the kernel, reports the end and, if the SA stood for its connection,
/// tells the endpoint. Sends nothing.
void report_closed(Turn& turn, const IkeSaFacts& facts, Established& sa, Cause why);

/// report_closed(), then tells the peer.
IkeSaState close_ike_sa(Turn& turn, IkeSaFacts& facts, Established sa, Cause why);

/// Tells the peer that the IKE SA ends, without reporting anything.
void say_goodbye(Turn& turn, IkeSaFacts& facts, Established& sa, Cause why);

/// Takes one child out and tells the peer.
void close_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
                 Cause why);

/// Another child carries the traffic: what is under way is still taken in for `time`, then it
/// leaves the kernel. Erases it and reports.
void retire_child(Turn& turn, Established& sa, policy::ChildSaId child, Cause why,
                  std::chrono::seconds time = retired_child_time);

/// The peer confirmed that it deleted children of ours.
void children_deleted(Turn& turn, Established& sa, const std::vector<policy::ChildSpi>& spis);

/// The peer deletes children by its inbound SPIs, our outbound ones. What comes back are our
/// inbound SPIs, for the response; not of those that we are deleting ourselves (section 1.4.1).
std::vector<policy::ChildSpi> delete_children_by_peer(Turn& turn, IkeSaFacts& facts,
                                                      Established& sa,
                                                      std::span<const policy::ChildSpi> spis);

} // namespace viaduct::ike::v2
