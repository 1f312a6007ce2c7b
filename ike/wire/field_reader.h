// Reads the fields of one structure in a row, without a check behind each.
#pragma once

#include "ike/wire/byte_reader.h"

#include <concepts>
#include <optional>
#include <utility>

namespace viaduct::ike::wire {

/// The first failure sticks: later reads give zero and no octets, and finish() returns it. Whatever
/// was read is therefore only to be believed through finish().
class FieldReader {
public:
    FieldReader(ByteReader& source, std::string_view where) : source_(source), where_(where) {}

    std::uint8_t u8() { return keep(&ByteReader::u8); }
    std::uint16_t u16() { return keep(&ByteReader::u16); }
    std::uint32_t u32() { return keep(&ByteReader::u32); }
    std::uint64_t u64() { return keep(&ByteReader::u64); }
    std::span<const std::uint8_t> octets(std::size_t count);
    /// Reserved fields: whatever the sender put there (RFC 7296 section 2.5).
    void skip(std::size_t count) { octets(count); }
    std::span<const std::uint8_t> rest();
    ByteReader sub(std::size_t count);

    /// Sticks `fault` unless `holds`.
    void require(bool holds, DecodeFault fault);
    /// Sticks `trailing_octets` when something is left in the source.
    void end() { require(source_.empty(), DecodeFault::trailing_octets); }

    /// Takes the value out of a nested result, or its failure over.
    template <std::default_initializable T> T nested(Decoded<T> result) {
        if (result) {
            return *std::move(result);
        }
        if (!failure_) {
            failure_ = result.error();
        }
        return T{};
    }

    bool failed() const { return failure_.has_value(); }
    template <typename T> Decoded<T> finish(T value) const {
        if (failure_) {
            return std::unexpected(*failure_);
        }
        return value;
    }
    Decoded<void> finish() const {
        if (failure_) {
            return std::unexpected(*failure_);
        }
        return {};
    }

private:
    template <typename Integer>
    Integer keep(Decoded<Integer> (ByteReader::*read)(std::string_view)) {
        if (failure_) {
            return 0;
        }
        return nested((source_.*read)(where_));
    }

    ByteReader& source_;
    std::string_view where_;
    std::optional<DecodeError> failure_;
};

} // namespace viaduct::ike::wire
