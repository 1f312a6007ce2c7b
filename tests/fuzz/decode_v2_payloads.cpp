// Any chain of payloads, as it comes out of SK. The first octet is the first payload's type.

#include "tests/fuzz/v2_payloads_property.h"

using namespace viaduct;
using namespace viaduct::ike::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto payloads = decode_v2_payloads(PayloadType{data[0]}, {data + 1, size - 1});
    if (payloads) {
        fuzz::check_payloads(ExchangeType::ike_auth, *payloads);
    } else {
        fuzz::require(!payloads.error().to_string().empty());
    }
    return 0;
}
