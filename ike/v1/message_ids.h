// The message IDs of one ISAKMP SA: random, and each used once (RFC 2408 section 3.1, RFC 2409
// section 5.5).
#pragma once

#include "ike/wire/numbers.h"

#include <botan/rng.h>

#include <cstddef>
#include <unordered_set>

namespace viaduct::ike::v1 {

/// Remembers all IDs that were used under the ISAKMP SA, by either side: what comes under one of
/// them again is a repetition, or our own message sent back to us, however long ago it was. So that
/// there is a bound, an SA that has used many is replaced, and one that has used too many ends.
class MessageIds {
public:
    /// One that was not used; never 0, which is phase 1's. Also when they are exhausted, for the
    /// farewell.
    wire::MessageId draw(Botan::RandomNumberGenerator& rng);
    /// False when it was used already, or when no more are to be used.
    bool use(wire::MessageId id);

    /// A successor is to be set up: there is room for so many more until it is.
    bool are_running_out() const { return used_.size() >= most / 2; }
    bool are_exhausted() const { return used_.size() >= most; }

private:
    /// Dead peer detection in every second uses half of them in two hours.
    static constexpr std::size_t most = 32768;
    std::unordered_set<wire::MessageId> used_;
};

} // namespace viaduct::ike::v1
