#include "ike/wire/decode_error.h"

#include "ike/wire/numbers.h"

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

} // namespace

std::string DecodeError::to_string() const {
    const auto place = payload == 0 ? std::string("header") : wire::to_string(PayloadType{payload});
    return std::format("{} in {} ({}), octet {}", cause(fault), place, where, offset);
}

} // namespace viaduct::ike::wire
