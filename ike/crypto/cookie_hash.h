// The keyed hash inside a responder's cookie (RFC 7296 section 2.6).
#pragma once

#include "ike/wire/numbers.h"
#include "policy/ip_address.h"
#include "policy/secret.h"

#include <array>
#include <span>

namespace viaduct::ike::crypto {

using CookieHash = std::array<std::uint8_t, 32>;

/// HMAC-SHA-256 under `secret` of (SPIi | address | Ni).
CookieHash cookie_hash(const policy::Secret& secret, wire::IkeSpi spi_i,
                       const policy::IpAddress& address, std::span<const std::uint8_t> nonce_i);

/// Compares in constant time; false for another length.
bool is_cookie_hash(const CookieHash& expected, std::span<const std::uint8_t> received);

} // namespace viaduct::ike::crypto
