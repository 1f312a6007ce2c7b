// A bounds-checked cursor over octets; integers are big-endian.
#pragma once

#include "ike/wire/decode_error.h"

#include <cstdint>
#include <expected>
#include <span>

namespace viaduct::ike::wire {

template <typename T> using Decoded = std::expected<T, DecodeError>;

/// Reads from a span that must outlive it. A failed read consumes nothing.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::uint8_t> octets, std::uint8_t payload = 0,
                        std::size_t offset = 0)
        : octets_(octets), payload_(payload), base_(offset) {}

    Decoded<std::uint8_t> u8(std::string_view where);
    Decoded<std::uint16_t> u16(std::string_view where);
    Decoded<std::uint32_t> u32(std::string_view where);
    Decoded<std::uint64_t> u64(std::string_view where);
    Decoded<std::span<const std::uint8_t>> octets(std::size_t count, std::string_view where);
    /// A reader of the next `count` octets, for a nested structure.
    Decoded<ByteReader> sub(std::size_t count, std::string_view where);
    /// All that is left.
    std::span<const std::uint8_t> rest();
    /// Fails when something is left: a nested reader must be empty at the end.
    Decoded<void> expect_end(std::string_view where) const;

    std::size_t remaining() const { return octets_.size() - position_; }
    bool empty() const { return remaining() == 0; }
    std::size_t offset() const { return base_ + position_; }
    DecodeError error(DecodeFault fault, std::string_view where) const {
        return {fault, payload_, offset(), where};
    }

private:
    std::span<const std::uint8_t> octets_;
    std::size_t position_ = 0;
    std::uint8_t payload_;
    std::size_t base_;
};

} // namespace viaduct::ike::wire
