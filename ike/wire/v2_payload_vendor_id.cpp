// The Vendor ID payload (RFC 7296 section 3.12).

#include "ike/wire/v2_payload_codec.h"

namespace viaduct::ike::wire {

/*
   +------------------------------------------------------------+
   | whatever the vendor chose                                  |
   +------------------------------------------------------------+
*/

Decoded<VendorIdPayload> decode_vendor_id(ByteReader body) {
    const auto data = body.rest();
    return VendorIdPayload{.data = {data.begin(), data.end()}};
}

void encode_body(const VendorIdPayload& payload, ByteWriter& out) {
    out.octets(payload.data);
}

} // namespace viaduct::ike::wire
