#include "ike/crypto/v1_authentication.h"

#include "ike/crypto/hash.h"
#include "ike/crypto/key_material.h"
#include "ike/crypto/library_call.h"
#include "ike/crypto/prf.h"

#include <botan/mem_ops.h>

#include <array>

namespace viaduct::ike::crypto {

namespace {

using Octets = std::span<const std::uint8_t>;
using Hash = std::expected<std::vector<std::uint8_t>, CryptoError>;

Hash hash_of(policy::PseudoRandomFunction function, const policy::Secret& key,
             std::initializer_list<Octets> parts) {
    return prf(function, key.expose(), parts).transform([](const policy::Secret& made) {
        return std::vector<std::uint8_t>(made.expose().begin(), made.expose().end());
    });
}

std::array<std::uint8_t, 4> octets_of_id(wire::MessageId id) {
    return octets_of(static_cast<std::uint32_t>(id));
}

} // namespace

Hash phase_one_hash(HashSender sender, policy::PseudoRandomFunction function,
                    const policy::Secret& skeyid, const PhaseOneValues& values, Octets sa_body,
                    Octets id_body) {
    const auto cookie_i = octets_of(values.cookie_i), cookie_r = octets_of(values.cookie_r);
    if (sender == HashSender::initiator) {
        return hash_of(function, skeyid,
                       {values.public_i, values.public_r, cookie_i, cookie_r, sa_body, id_body});
    }
    return hash_of(function, skeyid,
                   {values.public_r, values.public_i, cookie_r, cookie_i, sa_body, id_body});
}

Hash first_hash(policy::PseudoRandomFunction function, const policy::Secret& skeyid_a,
                wire::MessageId id, Octets rest) {
    return hash_of(function, skeyid_a, {octets_of_id(id), rest});
}

Hash second_hash(policy::PseudoRandomFunction function, const policy::Secret& skeyid_a,
                 wire::MessageId id, Octets nonce_i, Octets rest) {
    return hash_of(function, skeyid_a, {octets_of_id(id), nonce_i, rest});
}

Hash third_hash(policy::PseudoRandomFunction function, const policy::Secret& skeyid_a,
                wire::MessageId id, Octets nonce_i, Octets nonce_r) {
    const std::array<std::uint8_t, 1> zero{0};
    return hash_of(function, skeyid_a, {zero, octets_of_id(id), nonce_i, nonce_r});
}

Hash v1_nat_detection_hash(policy::PseudoRandomFunction function, wire::IkeSpi cookie_i,
                           wire::IkeSpi cookie_r, const policy::UdpEndpoint& endpoint) {
    return call_library([&]() -> Hash {
        const auto hash = make_hash(function);
        if (!hash) {
            return std::unexpected(CryptoError::unsupported_algorithm);
        }
        hash->update(octets_of(cookie_i));
        hash->update(octets_of(cookie_r));
        hash->update(endpoint.address.octets());
        hash->update_be(endpoint.port);
        return hash->final_stdvec();
    });
}

bool is_same_hash(Octets expected, Octets received) {
    return Botan::constant_time_compare(expected, received);
}

} // namespace viaduct::ike::crypto
