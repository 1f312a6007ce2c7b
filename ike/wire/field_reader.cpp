#include "ike/wire/field_reader.h"

namespace viaduct::ike::wire {

std::span<const std::uint8_t> FieldReader::octets(std::size_t count) {
    if (failure_) {
        return {};
    }
    return nested(source_.octets(count, where_));
}

std::span<const std::uint8_t> FieldReader::rest() {
    if (failure_) {
        return {};
    }
    return source_.rest();
}

ByteReader FieldReader::sub(std::size_t count) {
    if (!failure_) {
        if (auto reader = source_.sub(count, where_)) {
            return *reader;
        } else {
            failure_ = reader.error();
        }
    }
    return ByteReader({});
}

void FieldReader::require(bool holds, DecodeFault fault) {
    if (!holds && !failure_) {
        failure_ = source_.error(fault, where_);
    }
}

} // namespace viaduct::ike::wire
