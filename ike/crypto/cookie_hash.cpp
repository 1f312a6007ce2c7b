#include "ike/crypto/cookie_hash.h"

#include "ike/crypto/hmac.h"

#include <botan/mem_ops.h>

namespace viaduct::ike::crypto {

CookieHash cookie_hash(const policy::Secret& secret, wire::IkeSpi spi_i,
                       const policy::IpAddress& address, std::span<const std::uint8_t> nonce_i) {
    const auto mac = make_hmac(policy::PseudoRandomFunction::hmac_sha2_256);
    mac->set_key(secret.expose());
    mac->update_be(static_cast<std::uint64_t>(spi_i));
    // The length tells the families apart, and where the nonce begins.
    mac->update(static_cast<std::uint8_t>(address.octets().size()));
    mac->update(address.octets());
    mac->update(nonce_i);
    CookieHash out;
    mac->final(out);
    return out;
}

bool is_cookie_hash(const CookieHash& expected, std::span<const std::uint8_t> received) {
    return Botan::constant_time_compare(expected, received);
}

} // namespace viaduct::ike::crypto
