// What a script changes in a message that an honest peer sends.
#pragma once

#include "tests/fuzz/script_reader.h"
#include "tests/fuzz/trusting_crypto.h"

namespace viaduct::fuzz {

struct MessageEdit {
    std::uint8_t what = 0;
    std::uint8_t payload = 0;
    std::uint8_t place = 0;
    ike::wire::Octets octets;
};

/// Takes three octets and a counted run of octets.
MessageEdit read_edit(ScriptReader& script);
void apply(const MessageEdit& edit, ClearMessage& message);

} // namespace viaduct::fuzz
