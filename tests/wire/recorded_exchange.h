// The exchanges in tests/vectors/charon-6.0.1 and, of IKEv1, in charon-6.0.1-ikev1, whose README.md
// tell the formats.
#pragma once

#include "ike/wire/v2_message.h"

#include <string>
#include <vector>

namespace viaduct::test {

struct RecordedMessage {
    bool from_initiator = false;
    ike::wire::Octets datagram;
    /// What was inside SK, if anything was encrypted and not a fragment. Of IKEv1 what was behind
    /// the header, with its padding.
    std::optional<ike::wire::PayloadType> first_inner;
    ike::wire::Octets inner;
};

struct RecordedExchange {
    std::string scenario;
    std::vector<RecordedMessage> messages;
};

/// All files; throws when there are none or one cannot be read.
const std::vector<RecordedExchange>& recorded_exchanges();
/// The one with this name; throws when there is none.
const RecordedExchange& recorded_exchange(std::string_view scenario);

/// The same of IKEv1.
const std::vector<RecordedExchange>& recorded_v1_exchanges();
const RecordedExchange& recorded_v1_exchange(std::string_view scenario);

} // namespace viaduct::test
