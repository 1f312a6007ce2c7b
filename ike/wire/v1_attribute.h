// Data attributes (RFC 2408 section 3.3), of transforms and of RESPONDER-LIFETIME.
#pragma once

#include "ike/wire/byte_reader.h"
#include "ike/wire/byte_writer.h"

#include <optional>
#include <variant>
#include <vector>

namespace viaduct::ike::wire::v1 {

/*
   Each of one of two forms:

   +-+---------------------------+------------------------------+
   |1| attribute type            | value                        |
   +-+---------------------------+------------------------------+
   |0| attribute type            | length, then the value       |
   +-+---------------------------+------------------------------+
*/

/// In one list. Real transforms have about eight.
constexpr std::size_t max_attributes = 32;

struct Attribute {
    /// Class, without the format bit.
    std::uint16_t type = 0;
    /// Short form: the value itself. Long form: octets.
    std::variant<std::uint16_t, Octets> value;
    friend bool operator==(const Attribute&, const Attribute&) = default;
};

/// The value as a number: of the short form, and of the long form with 1 to 8 octets. Nothing for
/// longer ones.
std::optional<std::uint64_t> number_of(const Attribute& attribute);
/// The short form where the value fits into 16 bits, else the long form with 4 octets.
Attribute number_attribute(std::uint16_t type, std::uint32_t value);

/// Reads all of `source`.
Decoded<std::vector<Attribute>> decode_attributes(ByteReader source);
void encode_attributes(std::span<const Attribute> attributes, ByteWriter& out);

} // namespace viaduct::ike::wire::v1
