#include "ike/wire/payload_chain.h"

#include "ike/wire/field_reader.h"

namespace viaduct::ike::wire {

namespace {
constexpr std::uint8_t critical_bit = 0x80;
} // namespace

Decoded<ChainedPayload> read_chained_payload(PayloadType type, ByteReader& chain) {
    const auto number = static_cast<std::uint8_t>(type);
    const auto start = chain.offset();
    ByteReader reader(chain.rest(), number, start);
    FieldReader fields(reader, "generic payload header");
    ChainedPayload payload{.type = type};
    payload.next = PayloadType{fields.u8()};
    payload.critical = (fields.u8() & critical_bit) != 0;
    const std::size_t length = fields.u16();
    fields.require(length >= payload_header_length, DecodeFault::bad_length);
    payload.body = fields.sub(fields.failed() ? 0 : length - payload_header_length);
    const auto behind = reader.offset();
    chain = ByteReader(reader.rest(), 0, behind);
    return fields.finish(payload);
}

PayloadFrame::PayloadFrame(PayloadType next, ByteWriter& out) : out_(out), start_(out.size()) {
    out_.u8(static_cast<std::uint8_t>(next)).u8(0);
    length_field_ = out_.open_u16();
}

void PayloadFrame::close() {
    out_.close_u16(length_field_, start_);
}

} // namespace viaduct::ike::wire
