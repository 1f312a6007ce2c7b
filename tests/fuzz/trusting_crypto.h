// Cryptography that protects nothing and believes everything, in place of the encrypted payload and
// of AUTH, and of IKEv1's cipher and hashes: what is fuzzed lies behind the integrity check, not
// before it. Linked into a target it takes precedence over what ike/crypto has under the same
// names.
#pragma once

#include "ike/wire/v2_message.h"

#include <optional>
#include <vector>

namespace viaduct::fuzz {

/// An IKE message with its content in clear.
struct ClearMessage {
    ike::wire::Header header;
    /// The chain of payloads stands in SK, or in SKF if there is a fragment number; of IKEv1 that
    /// the encryption flag is set.
    bool encrypted = false;
    std::optional<ike::wire::FragmentNumber> fragment;
    ike::wire::PayloadType first = ike::wire::PayloadType::none;
    ike::wire::Octets chain;
};

/// Without non-ESP marker. Nothing when the outer structure is broken.
std::optional<ClearMessage> read_clear(std::span<const std::uint8_t> message);
/// Whatever the content is: the length in the header is right, and it verifies.
ike::wire::Octets write_clear(const ClearMessage& message);

} // namespace viaduct::fuzz
