// The exchanges recorded from charon (tests/vectors/charon-6.0.1/README.md), as values.
#pragma once

#include "ike/crypto/v2_key_schedule.h"
#include "policy/child_sa.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::test {

/// The keys of a child SA by sender.
struct RecordedChild {
    policy::EspKeys initiator;
    policy::EspKeys responder;
};

struct RecordedSa {
    ike::wire::IkeSpi initiator_spi{};
    ike::wire::IkeSpi responder_spi{};
    policy::IkeSuite suite;
    std::vector<std::uint8_t> ni, nr;
    policy::Secret g_ir;
    ike::crypto::IkeKeys keys;
    std::vector<RecordedChild> children;
};

/// What was inside an SK payload.
struct RecordedPlain {
    ike::wire::PayloadType first = ike::wire::PayloadType::none;
    std::vector<std::uint8_t> octets;
};

struct RecordedMessage {
    std::vector<std::uint8_t> octets;
    std::optional<RecordedPlain> plain;
};

struct Recording {
    std::string scenario;
    policy::Secret psk;
    std::vector<RecordedSa> sas;
    std::vector<RecordedMessage> messages;

    /// The SA of these SPIs; nothing before there is one.
    const RecordedSa* find(ike::wire::IkeSpi initiator, ike::wire::IkeSpi responder) const;
};

/// Throws when the file does not have the documented form.
Recording read_recording(const std::filesystem::path& path);
/// All that are in the tree.
std::vector<Recording> read_recordings();

} // namespace viaduct::test
