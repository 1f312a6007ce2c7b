// What an earlier run of the daemon, which was killed, left in a router's kernel.
#pragma once

#include "netns/netlink_message.h"
#include "netns/network_namespace.h"
#include "netns/system_error.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

namespace viaduct::xfrm {

struct RemovedLeftovers {
    std::size_t states = 0;
    std::size_t policies = 0;
};

/// Takes out every state and every policy that carries one of our reqids, whoever put it there,
/// and what let neighbour discovery pass; what carries another is never touched. For a router whose
/// first child SA is still to come.
std::expected<RemovedLeftovers, netns::SystemError>
remove_leftovers(const netns::NetworkNamespace& router);

/// The request that deletes the state (NEWSA) or the policy (NEWPOLICY) that this message of a
/// listing is about. Nothing when it is not ours.
std::optional<netns::NetlinkMessage> deletion_of(std::span<const std::uint8_t> listed);

} // namespace viaduct::xfrm
