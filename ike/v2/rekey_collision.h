// Who gives way when both sides make the same thing at the same moment (RFC 7296 sections 2.8.1 and
// 2.8.2): of the four nonces the lowest decides, and what its exchange made is deleted by the side
// that began that exchange.
#pragma once

#include "ike/v2/ike_sa_state.h"

namespace viaduct::ike::v2 {

/// The lower of the two nonces of one exchange, compared octet by octet; of two that agree as far
/// as the shorter goes, the shorter is lower.
const wire::Octets& lowest_nonce(const wire::Octets& nonce_i, const wire::Octets& nonce_r);

/// Whether an exchange whose lower nonce is `ours` loses against one whose lower nonce is `theirs`.
/// Both ends compute the same from their own side; equal nonces do not happen between honest peers.
bool gives_way(const wire::Octets& ours, const wire::Octets& theirs);

} // namespace viaduct::ike::v2
