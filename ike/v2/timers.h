// The times of an IKE SA, in one place:
//   half-open     a responder forgets an IKE_SA_INIT that no IKE_AUTH follows
//   lingering     how long the answer to a last request is kept for repetition
//   replacement   soft end of life: a successor is set up
//   expiry        hard end of life: the SA is deleted, successor or not
//   liveness      nothing heard for the connection's DPD interval: ask
//   emptiness     the last child is gone, and nobody asks for another: the SA is deleted
// Retransmission has its own file.
#pragma once

#include "ike/lifetime.h"
#include "ike/v2/ike_sa_state.h"

#include <botan/rng.h>

namespace viaduct::ike::v2 {

/// How long the peer has to delete what it owes to delete, before we do.
inline constexpr auto peer_deletion_time = std::chrono::seconds(20);
/// The same for an IKE SA that it has rekeyed. Until it has our answer it knows of no other, and it
/// may ask for that answer for minutes.
inline constexpr auto superseded_time = std::chrono::minutes(4);
/// Until that is looked at again when another exchange is under way.
inline constexpr auto redundant_again_time = std::chrono::seconds(1);
/// When a child is rekeyed that the peer may have ended with an IKE SA of ours that lost.
inline constexpr auto doubted_child_time = std::chrono::seconds(2);
/// A rekey or reauthentication that came to nothing is begun again, at the latest.
inline constexpr auto rekey_again_time = std::chrono::seconds(30);
/// A rekey for the volume that could not begin at once is begun so much later.
inline constexpr auto soft_limit_again_time = std::chrono::seconds(2);
/// How long the kernel has to say whether traffic came in, before the peer is asked.
inline constexpr auto traffic_answer_time = std::chrono::seconds(1);
/// Nothing but TEMPORARY_FAILURE for so long: the peer is out of step (RFC 7296 section 2.25).
inline constexpr auto passing_failure_limit = std::chrono::minutes(5);
/// Without another one for so long, the next TEMPORARY_FAILURE is the first again: longer than we
/// wait before we ask again.
inline constexpr auto passing_failure_rest = std::chrono::minutes(3);
/// How long an IKE SA stays that has lost its last child: peers that make children when there is
/// traffic get some time for the next one.
inline constexpr auto empty_sa_time = std::chrono::minutes(5);
inline constexpr auto half_open_time = std::chrono::seconds(30);
inline constexpr auto lingering_time = std::chrono::seconds(30);

/// From the first sending of a request until its sender gives up.
std::chrono::milliseconds longest_exchange(const policy::RetransmissionSchedule& schedule);

/// Until a request that was refused with TEMPORARY_FAILURE is made again: one to three seconds.
std::chrono::milliseconds passing_failure_wait(Botan::RandomNumberGenerator& rng);

/// When the kernel, and then the peer, is to be asked for a sign of life; nothing without dead peer
/// detection or while a request is under way, which is a question too.
std::optional<TimePoint> liveness_due(const Established& sa);

/// The earliest time at which an established SA has something to do.
TimePoint next_deadline(const Established& sa);

} // namespace viaduct::ike::v2
