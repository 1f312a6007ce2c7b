#include "ike/crypto/shared_key_auth.h"

#include "ike/crypto/prf.h"

#include <botan/mem_ops.h>

#include <array>

namespace viaduct::ike::crypto {

namespace {

// RFC 7296 2.15: 17 ASCII characters without null termination.
constexpr std::array<std::uint8_t, 17> key_pad{'K', 'e', 'y', ' ', 'P', 'a', 'd', ' ', 'f',
                                               'o', 'r', ' ', 'I', 'K', 'E', 'v', '2'};

std::expected<policy::Secret, CryptoError> compute(policy::PseudoRandomFunction function,
                                                   const policy::Secret& psk,
                                                   const SignedOctets& octets) {
    const auto& identity = octets.identity;
    const std::array<std::uint8_t, 4> id_start{static_cast<std::uint8_t>(identity.type), 0, 0, 0};
    auto maced_id = prf(function, octets.sk_p.expose(), {id_start, identity.data});
    if (!maced_id) {
        return maced_id;
    }
    auto padded_key = prf(function, psk.expose(), {key_pad});
    if (!padded_key) {
        return padded_key;
    }
    return prf(function, padded_key->expose(),
               {octets.first_message, octets.peer_nonce, maced_id->expose()});
}

} // namespace

std::expected<wire::Octets, CryptoError> shared_key_auth(policy::PseudoRandomFunction prf,
                                                         const policy::Secret& psk,
                                                         const SignedOctets& octets) {
    return compute(prf, psk, octets).transform([](const policy::Secret& auth) {
        return wire::Octets(auth.expose().begin(), auth.expose().end());
    });
}

bool verify_shared_key_auth(policy::PseudoRandomFunction prf, const policy::Secret& psk,
                            const SignedOctets& octets, std::span<const std::uint8_t> auth) {
    const auto expected = compute(prf, psk, octets);
    return expected && Botan::constant_time_compare(expected->expose(), auth);
}

} // namespace viaduct::ike::crypto
