#include "ike/wire/decode_error.h"

#include "ike/wire/numbers.h"
#include "ike/wire/v1_numbers.h"

#include <format>

namespace viaduct::ike::wire {

namespace {

std::string_view cause(DecodeFault fault) {
    switch (fault) {
    case DecodeFault::truncated: return "truncated";
    case DecodeFault::trailing_octets: return "octets left over";
    case DecodeFault::bad_length: return "wrong length";
    case DecodeFault::bad_value: return "forbidden value";
    case DecodeFault::too_many: return "too many elements";
    case DecodeFault::wrong_version: return "wrong major version";
    case DecodeFault::unknown_critical: return "unknown payload with the critical bit";
    case DecodeFault::missing_payload: return "missing payload";
    case DecodeFault::unexpected_payload: return "unexpected payload";
    }
    return "malformed";
}

/// The two versions' payload types share no number.
std::string payload_name(std::uint8_t payload) {
    return v1::is_payload_type(payload) ? v1::to_string(v1::PayloadType{payload})
                                        : wire::to_string(PayloadType{payload});
}

} // namespace

std::string DecodeError::to_string() const {
    const auto place = payload == 0 ? std::string("header") : payload_name(payload);
    return std::format("{} in {} ({}), octet {}", cause(fault), place, where, offset);
}

} // namespace viaduct::ike::wire
