// The keys in what the kernel tells of a state. One that is locked down shows zeros in their place
// (net/xfrm/xfrm_user.c, xfrm_redact; lockdown=confidentiality).
#pragma once

#include "xfrm/attribute_view.h"

#include <linux/xfrm.h>

#include <array>
#include <cstdint>
#include <span>

namespace viaduct::xfrm {

/// Those of the attributes of a state that end in a key.
inline constexpr std::array<std::uint16_t, 3> keyed_attributes{XFRMA_ALG_AEAD, XFRMA_ALG_CRYPT,
                                                               XFRMA_ALG_AUTH_TRUNC};

/// The key at the end of an attribute of this type, one of keyed_attributes; octets of `value`.
/// Empty for an algorithm without key, and where the value is cut short.
std::span<const std::uint8_t> key_in(std::uint16_t type, std::span<const std::uint8_t> value);

/// Whether some key is nothing but zeros, which no key that was negotiated is.
bool lacks_keys(const AttributeViews& attributes);
/// Whether every key is: such a kernel shows none.
bool shows_no_key(const AttributeViews& attributes);

} // namespace viaduct::xfrm
