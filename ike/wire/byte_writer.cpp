#include "ike/wire/byte_writer.h"

namespace viaduct::ike::wire {

namespace {
constexpr std::size_t u16_placeholder = 0xffff;
} // namespace

ByteWriter& ByteWriter::u8(std::uint8_t value) {
    octets_.push_back(value);
    return *this;
}

ByteWriter& ByteWriter::u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value));
}

ByteWriter& ByteWriter::u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16)).u16(static_cast<std::uint16_t>(value));
}

ByteWriter& ByteWriter::u64(std::uint64_t value) {
    return u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
}

ByteWriter& ByteWriter::octets(std::span<const std::uint8_t> value) {
    octets_.insert(octets_.end(), value.begin(), value.end());
    return *this;
}

std::size_t ByteWriter::open_u16() {
    const auto field = octets_.size();
    u16(u16_placeholder);
    return field;
}

void ByteWriter::close_u16(std::size_t field, std::size_t start) {
    const auto length = octets_.size() - start;
    // What does not fit keeps the placeholder: an invalid message, never a misleading one.
    if (length >= u16_placeholder) {
        return;
    }
    octets_[field] = static_cast<std::uint8_t>(length >> 8);
    octets_[field + 1] = static_cast<std::uint8_t>(length);
}

} // namespace viaduct::ike::wire
