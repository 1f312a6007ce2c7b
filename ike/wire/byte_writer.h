// Builds octets; integers are big-endian.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace viaduct::ike::wire {

using Octets = std::vector<std::uint8_t>;

class ByteWriter {
public:
    ByteWriter& u8(std::uint8_t value);
    ByteWriter& u16(std::uint16_t value);
    ByteWriter& u32(std::uint32_t value);
    ByteWriter& u64(std::uint64_t value);
    ByteWriter& octets(std::span<const std::uint8_t> value);

    /// A 16-bit length field that counts from `start` (an earlier size()) to the end: written as a
    /// placeholder by open_u16(), filled by close_u16(). The placeholder is 0xffff, so that one
    /// that is forgotten makes the message invalid instead of turning content into structure.
    std::size_t open_u16();
    void close_u16(std::size_t field, std::size_t start);

    std::size_t size() const { return octets_.size(); }
    std::span<const std::uint8_t> view() const { return octets_; }
    Octets take() && { return std::move(octets_); }

private:
    Octets octets_;
};

} // namespace viaduct::ike::wire
