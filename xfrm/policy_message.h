// Requests about policies, as netlink messages.
#pragma once

#include "netns/netlink_message.h"
#include "xfrm/kernel_policy.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <linux/xfrm.h>

namespace viaduct::xfrm {

/// UPDPOLICY: puts the policy there, in place of one with the same selector if there is one. Also
/// used for policies that are new to us: an earlier run that was killed may have left them.
netns::NetlinkMessage put_policy(const KernelPolicy& policy);
/// DELPOLICY.
netns::NetlinkMessage delete_policy(const PolicySelector& selector);

/// SETDEFAULT: what happens to packets in clear that the router would pass on and that no policy is
/// about. Fails with EINVAL where the kernel does not know it (before 5.14).
enum class ForwardedInClear : std::uint8_t { pass, are_dropped };
netns::NetlinkMessage forwarding_default(ForwardedInClear what);
/// GETDEFAULT: what forwarding_default() sets.
netns::NetlinkMessage get_forwarding_default();
/// The answer to it; nothing when it is none.
std::optional<ForwardedInClear> read_forwarding_default(std::span<const std::uint8_t> answer);

/// Whether a policy without templates, told of in a listing, is one of ours for neighbour
/// discovery.
bool passes_neighbour_discovery(const xfrm_userpolicy_info& info);

/// What put_policy() asks for in the words of ip(8).
std::string describe_policy(const KernelPolicy& policy);

} // namespace viaduct::xfrm
