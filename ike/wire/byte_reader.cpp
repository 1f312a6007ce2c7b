#include "ike/wire/byte_reader.h"

namespace viaduct::ike::wire {

namespace {

template <typename Integer> Integer big_endian(std::span<const std::uint8_t> octets) {
    std::uint64_t value = 0;
    for (const auto octet : octets) {
        value = value << 8 | octet;
    }
    return static_cast<Integer>(value);
}

} // namespace

Decoded<std::uint8_t> ByteReader::u8(std::string_view where) {
    return octets(1, where).transform(big_endian<std::uint8_t>);
}

Decoded<std::uint16_t> ByteReader::u16(std::string_view where) {
    return octets(2, where).transform(big_endian<std::uint16_t>);
}

Decoded<std::uint32_t> ByteReader::u32(std::string_view where) {
    return octets(4, where).transform(big_endian<std::uint32_t>);
}

Decoded<std::uint64_t> ByteReader::u64(std::string_view where) {
    return octets(8, where).transform(big_endian<std::uint64_t>);
}

Decoded<std::span<const std::uint8_t>> ByteReader::octets(std::size_t count,
                                                          std::string_view where) {
    if (count > remaining()) {
        return std::unexpected(error(DecodeFault::truncated, where));
    }
    const auto taken = octets_.subspan(position_, count);
    position_ += count;
    return taken;
}

Decoded<ByteReader> ByteReader::sub(std::size_t count, std::string_view where) {
    const auto start = offset();
    return octets(count, where).transform([&](std::span<const std::uint8_t> nested) {
        return ByteReader(nested, payload_, start);
    });
}

std::span<const std::uint8_t> ByteReader::rest() {
    const auto left = octets_.subspan(position_);
    position_ = octets_.size();
    return left;
}

Decoded<void> ByteReader::expect_end(std::string_view where) const {
    if (!empty()) {
        return std::unexpected(error(DecodeFault::trailing_octets, where));
    }
    return {};
}

} // namespace viaduct::ike::wire
