// Who gives way when both sides make the same thing at the same moment (RFC 7296 sections 2.8.1 and
// 2.8.2): of the four nonces the lowest decides, and what its exchange made is deleted by the side
// that began that exchange. IKEv1 says nothing about it; the same rule serves there.
#pragma once

#include <cstdint>
#include <vector>

namespace viaduct::ike {

/// The lower of the two nonces of one exchange, compared octet by octet; of two that agree as far
/// as the shorter goes, the shorter is lower.
const std::vector<std::uint8_t>& lowest_nonce(const std::vector<std::uint8_t>& nonce_i,
                                              const std::vector<std::uint8_t>& nonce_r);

/// Whether an exchange whose lower nonce is `ours` loses against one whose lower nonce is `theirs`.
/// Both ends compute the same from their own side; equal nonces do not happen between honest peers.
bool gives_way(const std::vector<std::uint8_t>& ours, const std::vector<std::uint8_t>& theirs);

} // namespace viaduct::ike
