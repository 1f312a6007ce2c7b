#include "ike/crypto/nat_detection_hash.h"

#include <botan/hash.h>

namespace viaduct::ike::crypto {

NatDetectionHash nat_detection_hash(wire::IkeSpi spi_i, wire::IkeSpi spi_r,
                                    const policy::UdpEndpoint& endpoint) {
    const auto hash = Botan::HashFunction::create_or_throw("SHA-1");
    hash->update_be(static_cast<std::uint64_t>(spi_i));
    hash->update_be(static_cast<std::uint64_t>(spi_r));
    hash->update(endpoint.address.octets());
    hash->update_be(endpoint.port);
    NatDetectionHash out;
    hash->final(out);
    return out;
}

} // namespace viaduct::ike::crypto
