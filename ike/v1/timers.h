// The times of an ISAKMP SA, in one place:
//   half-open     a responder forgets a phase 1 that does not go on
//   answers       how long the last answer of an exchange is kept for repetition
//   replacement   soft end of life: a successor is set up
//   expiry        hard end of life: the SA is deleted, successor or not
//   liveness      nothing heard for the connection's DPD interval: ask
//   activation    traffic moves to a child whose peer does not show that it has it
//   deletion      a child that is over is taken out, and the peer told, more than once
// Retransmission has its own file.
#pragma once

#include "ike/lifetime.h"
#include "ike/v1/isakmp_sa_state.h"

#include <span>

namespace viaduct::ike::v1 {

inline constexpr auto half_open_time = std::chrono::seconds(30);
/// A peer may repeat itself for so long; the schedules of others end within it.
inline constexpr auto answer_time = std::chrono::seconds(90);
/// Between the farewell and its one repetition.
inline constexpr auto farewell_again_time = std::chrono::milliseconds(300);
/// A rekey that came to nothing is begun again, at the latest.
inline constexpr auto rekey_again_time = std::chrono::seconds(30);
/// A rekey for the volume that could not begin at once is begun so much later.
inline constexpr auto soft_limit_again_time = std::chrono::seconds(2);
/// How long the kernel has to say whether traffic came in, before the peer is asked.
inline constexpr auto traffic_answer_time = std::chrono::seconds(1);
/// The third message of a quick mode is not confirmed. While it may be lost the peer repeats the
/// second; when it has not done so for this long, it has its inbound side.
inline constexpr auto activation_time = std::chrono::seconds(30);
/// Until the kernel is asked whether the peer has it, and from one question to the next. Where the
/// old child has a limit of octets or packets the first question comes soon, and each wait is twice
/// the one before.
inline constexpr auto first_traffic_wait = std::chrono::milliseconds(50);
inline constexpr auto longest_traffic_wait = std::chrono::seconds(1);
/// Between the moment from which nothing leaves by a child and the one in which the peer is told.
inline constexpr auto deletion_time = std::chrono::seconds(2);
/// After a Delete it is said again, and after twice this time once more: longer apart than a short
/// outage lasts.
inline constexpr auto deletion_again_time = std::chrono::seconds(2);
inline constexpr unsigned deletion_repetitions = 2;
/// How long a child is taken in that we deleted: until the last repetition has come, and what was
/// under way then.
inline constexpr auto deleted_child_time =
    deletion_again_time + 2 * deletion_again_time + retired_child_time;
/// How long the peer has to delete what its successor replaces, before we do: longer than an
/// initiator like ours waits until its traffic moves.
inline constexpr auto peer_deletion_time = std::chrono::seconds(45);
/// The same for what lost against a child made at the same moment.
inline constexpr auto redundant_time = std::chrono::seconds(20);
/// How long what lost is taken in once we deleted it, should no Delete have arrived: the peer may
/// send by it until its own child carries the traffic, and then as long as it waits for us.
inline constexpr auto deleted_redundant_time =
    activation_time + redundant_time + deletion_time + retired_child_time;

/// The shorter of both, but two seconds at least.
std::chrono::seconds shorter_of(std::chrono::seconds ours, std::uint64_t theirs);
/// The shorter of ours and the peer's.
std::chrono::seconds agreed_lifetime(const policy::Connection& connection,
                                     std::optional<std::chrono::seconds> peer);
/// As responder: whether the peer does not know how long the SA lasts, and is to be told.
bool is_shorter_than_offered(std::chrono::seconds lifetime,
                             std::optional<std::chrono::seconds> offered);
/// The shortest that the RESPONDER-LIFETIMEs of the protocol tell, of each kind (RFC 2407 section
/// 4.6.3.1); what makes no sense is left out.
wire::v1::Lifetimes told_lifetimes(std::span<const wire::v1::NotifyPayload> notifies,
                                   policy::ProtocolId protocol);
/// RESPONDER-LIFETIME of the ISAKMP SA (RFC 2407 section 4.6.3.1).
wire::v1::NotifyPayload responder_lifetime(const IkeSaFacts& facts, std::chrono::seconds lifetime);

/// When the kernel, and then the peer, is to be asked for a sign of life.
std::optional<TimePoint> liveness_due(const Established& sa);

/// The earliest time at which an established SA has something to do.
TimePoint next_deadline(const Established& sa);

} // namespace viaduct::ike::v1
