// Any chain of IKEv1's payloads, as it comes out of the decryption. The first octet is the first
// payload's type.

#include "tests/fuzz/v1_payloads_property.h"

using namespace viaduct;
using namespace viaduct::ike::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto chain = v1::decode_chain(v1::PayloadType{data[0]}, {data + 1, size - 1});
    if (chain) {
        fuzz::v1::check_chain(ExchangeType::quick_mode, *chain);
    } else {
        fuzz::v1::require(!chain.error().to_string().empty());
    }
    return 0;
}
