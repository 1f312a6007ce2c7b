// Why octets could not be read as a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace viaduct::ike::wire {

/// One cause each; the text for people comes from to_string().
enum class DecodeFault : std::uint8_t {
    truncated,          ///< a field or payload reaches beyond its container
    trailing_octets,    ///< something is left behind the last element
    bad_length,         ///< a length field contradicts itself or the RFC's fixed size
    bad_value,          ///< a field has a value the RFC forbids
    too_many,           ///< a list is longer than our limit
    wrong_version,      ///< the major version is not the one this decoder reads
    unknown_critical,   ///< an unknown payload has the critical bit (RFC 7296 section 2.5)
    missing_payload,    ///< the exchange requires a payload that is not there
    unexpected_payload, ///< a payload occurs too often or does not belong to the exchange
};

struct DecodeError {
    DecodeFault fault = DecodeFault::truncated;
    /// Payload type the fault lies in (IANA number), 0 for the header.
    std::uint8_t payload = 0;
    /// Octet offset from the start of the text being decoded, as near as known.
    std::size_t offset = 0;
    /// What was read: a static text such as "proposal substructure".
    std::string_view where;

    std::string to_string() const;
    friend bool operator==(const DecodeError&, const DecodeError&) = default;
};

} // namespace viaduct::ike::wire
