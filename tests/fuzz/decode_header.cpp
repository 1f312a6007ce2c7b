// Any 28 octets: what is read is written again, but for the flag bits that are reserved.

#include "ike/wire/header.h"

#include <cstdlib>

using namespace viaduct::ike::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto header = decode_header({data, size});
    if (header) {
        ByteWriter out;
        encode_header(*header, out);
        // The length field is the datagram's, so the header alone can no longer be decoded.
        if (out.size() != header_length || header->length != size) {
            std::abort();
        }
    }
    return 0;
}
