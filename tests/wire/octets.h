// Octets written as hexadecimal digits.
#pragma once

#include "ike/wire/v2_payload.h"

#include <string_view>

namespace viaduct::test {

/// Spaces and line breaks between octets are ignored; throws on anything else that is no digit.
ike::wire::Octets octets(std::string_view hexadecimal);
std::string hexadecimal(std::span<const std::uint8_t> octets);

} // namespace viaduct::test
