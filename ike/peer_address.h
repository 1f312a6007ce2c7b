// Keeping the way through NATs open, and following a peer whose mapping changes (RFC 7296 section
// 2.23, RFC 3948 section 4).
#pragma once

#include "ike/child_state.h"
#include "ike/ike_sa_facts.h"
#include "ike/turn.h"

namespace viaduct::ike {

/// A fresh and authenticated message came along `path`. When a NAT before the peer, and none before
/// us, can be the reason for another address, everything goes there from now on.
void follow_peer(IkeSaFacts& facts, const policy::UdpPath& path);

/// To be called when a message has been handled, with the path before it: the children go where the
/// IKE SA goes, also those that came from a predecessor.
void move_children(Turn& turn, const IkeSaFacts& facts, const policy::UdpPath& before,
                   const std::string& connection, std::vector<ChildState>& children);

/// The same in two parts.
void report_move(Turn& turn, const IkeSaFacts& facts, const policy::UdpPath& before,
                 const std::string& connection);
void move_child(Turn& turn, const IkeSaFacts& facts, ChildState& child);

/// To be called with the number of effects before the input: a NAT keeps its mapping alive by what
/// we send ourselves.
void note_sending(const Turn& turn, IkeSaFacts& facts, std::size_t first_effect);

/// Whether a mapping before us may have to be kept alive.
bool needs_keepalives(const IkeSaFacts& facts);
/// Whether the kernel does that: the child has an outbound SA that sends keepalives.
bool kernel_keeps_mapping_alive(const ChildState& child);
/// When the next keepalive is due: nothing without a NAT before us.
std::optional<TimePoint> keepalive_due(const IkeSaFacts& facts,
                                       const policy::Connection& connection);
/// Sends one if it is due.
void keep_mapping_alive(Turn& turn, IkeSaFacts& facts, const policy::Connection& connection);

} // namespace viaduct::ike
