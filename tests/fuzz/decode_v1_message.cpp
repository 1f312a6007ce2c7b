// Any datagram with IKEv1's version, as it comes from the network. The length field is corrected
// first, because almost nothing would pass it.

#include "tests/fuzz/v1_payloads_property.h"

using namespace viaduct;
using namespace viaduct::ike::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Octets datagram(data, data + size);
    if (size >= header_length) {
        ByteWriter length;
        length.u32(static_cast<std::uint32_t>(size));
        std::ranges::copy(length.view(), datagram.begin() + 24);
    }
    const auto message = v1::decode_message(datagram);
    if (!message) {
        fuzz::v1::require(!message.error().to_string().empty());
        return 0;
    }
    if (const auto* clear = std::get_if<v1::ClearMessage>(&*message)) {
        fuzz::v1::check_chain(clear->header.exchange, clear->chain);
    }
    return 0;
}
