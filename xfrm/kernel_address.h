// policy's addresses in XFRM's form.
#pragma once

#include "policy/ip_address.h"

#include <cstdint>
#include <netinet/in.h>
#include <optional>

#include <linux/xfrm.h>

namespace viaduct::xfrm {

/// AF_INET or AF_INET6.
std::uint16_t kernel_family(policy::AddressFamily family);
xfrm_address_t kernel_address(const policy::IpAddress& address);
/// Nothing when the family is neither AF_INET nor AF_INET6.
std::optional<policy::IpAddress> read_address(const xfrm_address_t& address, std::uint16_t family);

} // namespace viaduct::xfrm
