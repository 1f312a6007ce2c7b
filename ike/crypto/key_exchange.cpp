#include "ike/crypto/key_exchange.h"

#include "ike/crypto/library_call.h"

#include <botan/bigint.h>
#include <botan/dl_group.h>
#include <botan/ec_apoint.h>
#include <botan/ec_group.h>
#include <botan/ec_scalar.h>
#include <botan/hex.h>
#include <botan/mem_ops.h>
#include <botan/x25519.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

namespace viaduct::ike::crypto {

using policy::KeyExchangeMethod;
using Octets = std::span<const std::uint8_t>;
using SecureOctets = Botan::secure_vector<std::uint8_t>;
using SharedSecret = std::expected<policy::Secret, CryptoError>;

// The library's key agreement objects are not used for MODP and ECP: for each agreement they also
// make a blinding factor, a second exponentiation, which protects a key that is used again. Ours is
// used once, and the exponentiation itself runs in constant time.
struct KeyExchange::PrivateKey {
    std::variant<Botan::X25519_PrivateKey, Botan::EC_Scalar, Botan::BigInt> value;
};

KeyExchange::KeyExchange(KeyExchangeMethod method, std::unique_ptr<PrivateKey> private_key,
                         std::vector<std::uint8_t> public_value)
    : method_(method),
      private_key_(std::move(private_key)),
      public_value_(std::move(public_value)) {}
KeyExchange::KeyExchange(KeyExchange&&) noexcept = default;
KeyExchange& KeyExchange::operator=(KeyExchange&&) noexcept = default;
KeyExchange::~KeyExchange() = default;

namespace {

/// Parsed once: it takes as long as a fifth of an exponentiation.
const Botan::DL_Group* modp_group(KeyExchangeMethod method) {
    switch (method) {
    case KeyExchangeMethod::modp1024: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/1024");
        return &group;
    }
    case KeyExchangeMethod::modp1536: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/1536");
        return &group;
    }
    case KeyExchangeMethod::modp2048: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/2048");
        return &group;
    }
    case KeyExchangeMethod::modp3072: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/3072");
        return &group;
    }
    case KeyExchangeMethod::modp4096: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/4096");
        return &group;
    }
    case KeyExchangeMethod::modp6144: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/6144");
        return &group;
    }
    case KeyExchangeMethod::modp8192: {
        static const auto group = Botan::DL_Group::from_name("modp/ietf/8192");
        return &group;
    }
    default: return nullptr;
    }
}

const Botan::EC_Group* ecp_group(KeyExchangeMethod method) {
    switch (method) {
    case KeyExchangeMethod::ecp256: {
        static const auto group = Botan::EC_Group::from_name("secp256r1");
        return &group;
    }
    case KeyExchangeMethod::ecp384: {
        static const auto group = Botan::EC_Group::from_name("secp384r1");
        return &group;
    }
    case KeyExchangeMethod::ecp521: {
        static const auto group = Botan::EC_Group::from_name("secp521r1");
        return &group;
    }
    default: return nullptr;
    }
}

/// RFC 7748 6.1: the points whose product with any private key is zero, as far as they are below
/// 2^255. The highest bit of a value counts for nothing (section 5).
constexpr std::array low_order_points{
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

bool is_curve25519_point(Octets value) {
    if (value.size() != 32) {
        return false;
    }
    std::vector<std::uint8_t> masked(value.begin(), value.end());
    masked.back() &= 0x7f;
    return !std::ranges::contains(low_order_points, Botan::hex_encode(masked, false));
}

/// RFC 6989 2.3: the coordinates must be below the prime and satisfy the curve's equation.
std::optional<Botan::EC_AffinePoint> ecp_point(const Botan::EC_Group& group, Octets value) {
    if (value.size() != 2 * group.get_p_bytes()) {
        return std::nullopt;
    }
    std::vector<std::uint8_t> uncompressed{0x04};
    uncompressed.insert(uncompressed.end(), value.begin(), value.end());
    auto point = Botan::EC_AffinePoint::deserialize(group, uncompressed);
    return point && !point->is_identity() ? std::move(point) : std::nullopt;
}

/// RFC 6989 2.1: 1 < r < p - 1. The primes are safe ones, so nothing else is in a small subgroup.
std::optional<Botan::BigInt> modp_value(const Botan::DL_Group& group, Octets value) {
    if (value.size() != group.p_bytes()) {
        return std::nullopt;
    }
    auto number = Botan::BigInt::from_bytes(value);
    return number > 1 && number < group.get_p() - 1 ? std::optional(std::move(number))
                                                    : std::nullopt;
}

SharedSecret agree_curve25519(const Botan::X25519_PrivateKey& private_key, Octets peer_public) {
    if (peer_public.size() != 32) {
        return std::unexpected(CryptoError::bad_public_value);
    }
    auto secret = private_key.agree(peer_public.data(), peer_public.size());
    const std::array<std::uint8_t, 32> zero{};
    // RFC 8031 2: an all-zero result comes from a point of small order.
    if (Botan::constant_time_compare(secret, zero)) {
        return std::unexpected(CryptoError::bad_public_value);
    }
    return policy::Secret(std::move(secret));
}

SharedSecret agree_ecp(const Botan::EC_Group& group, const Botan::EC_Scalar& private_key,
                       Octets peer_public, Botan::RandomNumberGenerator& rng) {
    const auto point = ecp_point(group, peer_public);
    if (!point) {
        return std::unexpected(CryptoError::bad_public_value);
    }
    return policy::Secret(point->mul_x_only(private_key, rng));
}

SharedSecret agree_modp(const Botan::DL_Group& group, const Botan::BigInt& exponent,
                        Octets peer_public) {
    const auto peer = modp_value(group, peer_public);
    if (!peer) {
        return std::unexpected(CryptoError::bad_public_value);
    }
    const auto result = group.power_b_p(*peer, exponent, group.exponent_bits());
    return policy::Secret(result.serialize<SecureOctets>(group.p_bytes()));
}

} // namespace

bool is_public_value(KeyExchangeMethod method, Octets value) {
    return call_library([&]() -> std::expected<bool, CryptoError> {
               if (method == KeyExchangeMethod::curve25519) {
                   return is_curve25519_point(value);
               }
               if (const auto* group = ecp_group(method)) {
                   return ecp_point(*group, value).has_value();
               }
               const auto* group = modp_group(method);
               return group != nullptr && modp_value(*group, value).has_value();
           })
        .value_or(false);
}

std::expected<KeyExchange, CryptoError> KeyExchange::generate(KeyExchangeMethod method,
                                                              Botan::RandomNumberGenerator& rng) {
    return call_library([&]() -> std::expected<KeyExchange, CryptoError> {
        if (method == KeyExchangeMethod::curve25519) {
            Botan::X25519_PrivateKey key(rng);
            auto value = key.raw_public_key_bits();
            return KeyExchange(method, std::make_unique<PrivateKey>(std::move(key)),
                               std::move(value));
        }
        if (const auto* group = ecp_group(method)) {
            auto scalar = Botan::EC_Scalar::random(*group, rng);
            auto value =
                Botan::EC_AffinePoint::g_mul(scalar, rng).xy_bytes<std::vector<std::uint8_t>>();
            return KeyExchange(method, std::make_unique<PrivateKey>(std::move(scalar)),
                               std::move(value));
        }
        if (const auto* group = modp_group(method)) {
            // Twice the group's strength (RFC 3526 section 8): 224 bits for modp2048.
            Botan::BigInt exponent(rng, group->exponent_bits());
            auto value = group->power_g_p(exponent, group->exponent_bits())
                             .serialize<std::vector<std::uint8_t>>(group->p_bytes());
            return KeyExchange(method, std::make_unique<PrivateKey>(std::move(exponent)),
                               std::move(value));
        }
        return std::unexpected(CryptoError::unsupported_algorithm);
    });
}

SharedSecret KeyExchange::agree(Octets peer_public, Botan::RandomNumberGenerator& rng) const {
    return call_library([&]() -> SharedSecret {
        if (const auto* key = std::get_if<Botan::X25519_PrivateKey>(&private_key_->value)) {
            return agree_curve25519(*key, peer_public);
        }
        if (const auto* scalar = std::get_if<Botan::EC_Scalar>(&private_key_->value)) {
            return agree_ecp(*ecp_group(method_), *scalar, peer_public, rng);
        }
        return agree_modp(*modp_group(method_), std::get<Botan::BigInt>(private_key_->value),
                          peer_public);
    });
}

} // namespace viaduct::ike::crypto
