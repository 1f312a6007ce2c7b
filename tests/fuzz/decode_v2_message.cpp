// Any datagram, as it comes from the network. The length field is corrected first, because almost
// nothing would pass it.

#include "tests/fuzz/v2_payloads_property.h"

using namespace viaduct;
using namespace viaduct::ike::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Octets datagram(data, data + size);
    if (size >= header_length) {
        ByteWriter length;
        length.u32(static_cast<std::uint32_t>(size));
        std::ranges::copy(length.view(), datagram.begin() + 24);
    }
    const auto message = decode_v2_message(datagram);
    if (!message) {
        fuzz::require(!message.error().to_string().empty());
        return 0;
    }
    if (message->encrypted) {
        fuzz::require(message->encrypted->body_offset <= size);
    }
    fuzz::check_payloads(message->header.exchange, message->payloads);
    return 0;
}
