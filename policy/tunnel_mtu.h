// How large the packets are that fit into a tunnel.
#pragma once

#include "policy/wanted_interface.h"

#include <cstdint>
#include <span>

namespace viaduct::policy {

/// What is taken for the path's MTU where nothing is known of it: Ethernet's.
constexpr std::uint32_t usual_path_mtu = 1500;

/// The largest packet that fits into every tunnel behind the interface, whatever proposal is agreed
/// on and with ESP in UDP, in octets with its IP header. `paths`: the path MTU of each connection,
/// in their order. Not below 1280, which IPv6 needs (RFC 8200 section 5).
std::uint16_t inner_mtu(const WantedInterface& interface, std::span<const std::uint32_t> paths);

} // namespace viaduct::policy
