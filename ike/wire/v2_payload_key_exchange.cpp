// The Key Exchange payload (RFC 7296 section 3.4).

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
    octet 0          1              2               3
   +-----------------------------+------------------------------+
   | key exchange method         | reserved                     |
   +-----------------------------+------------------------------+
   | public value; its length is the method's                   |
   +------------------------------------------------------------+
*/

Decoded<KeyExchangePayload> decode_key_exchange(ByteReader body) {
    FieldReader fields(body, "key exchange");
    KeyExchangePayload payload;
    payload.method = fields.u16();
    fields.skip(2);
    const auto data = fields.rest();
    fields.require(!data.empty(), DecodeFault::bad_length);
    payload.data.assign(data.begin(), data.end());
    return fields.finish(std::move(payload));
}

void encode_body(const KeyExchangePayload& payload, ByteWriter& out) {
    out.u16(payload.method).u16(0).octets(payload.data);
}

} // namespace viaduct::ike::wire
