// The window of message ids as responder (RFC 7296 sections 2.2 and 2.3); our window is 1.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// IKE_AUTH without EAP is one exchange, and follows IKE_SA_INIT.
constexpr wire::MessageId auth_id{1};

enum class RequestVerdict : std::uint8_t {
    fresh,    ///< the expected one: handle it
    repeated, ///< the one before: send the last response again
    outside,  ///< anything else: drop
};

RequestVerdict judge_request(const Established& sa, wire::MessageId id);
/// An exchange with this message ID, ours or the peer's, is over: at half of all the SA is due to
/// be rekeyed.
void note_message_id(const Turn& turn, Established& sa, wire::MessageId id);
/// Whether one of the two counters has come to the last ID: only a Delete of ours may use it.
bool out_of_message_ids(const Turn& turn, const Established& sa);
wire::MessageId following(wire::MessageId id);

} // namespace viaduct::ike::v2
