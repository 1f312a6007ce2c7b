// The window of message ids as responder (RFC 7296 sections 2.2 and 2.3); our window is 1.
#pragma once

#include "ike/v2/ike_sa_state.h"

namespace viaduct::ike::v2 {

enum class RequestVerdict : std::uint8_t {
    fresh,    ///< the expected one: handle it
    repeated, ///< the one before: send the last response again
    outside,  ///< anything else: drop
};

RequestVerdict judge_request(const Established& sa, wire::MessageId id);
wire::MessageId following(wire::MessageId id);

} // namespace viaduct::ike::v2
