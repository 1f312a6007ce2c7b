// The message IDs of one ISAKMP SA: random, and each used once (RFC 2408 section 3.1, RFC 2409
// section 5.5).
#pragma once

#include "ike/wire/numbers.h"

#include <botan/rng.h>

#include <cstddef>
#include <deque>
#include <unordered_set>

namespace viaduct::ike::v1 {

/// Remembers the IDs that were used, by either side, the latest 4096 of them: what comes under one
/// of them again is a repetition, however long ago it was.
class MessageIds {
public:
    /// One that was not used; never 0, which is phase 1's.
    wire::MessageId draw(Botan::RandomNumberGenerator& rng);
    /// False when it was used already.
    bool use(wire::MessageId id);

private:
    std::unordered_set<wire::MessageId> used_;
    std::deque<wire::MessageId> order_;
};

} // namespace viaduct::ike::v1
