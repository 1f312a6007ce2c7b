// Requests for lists of all states and policies, as netlink messages.
#pragma once

#include "netns/netlink_message.h"

namespace viaduct::xfrm {

/// GETSA and GETPOLICY for all of them. Nothing stands behind the header: the kernel looks for
/// attributes there (xfrm_dump_sa() in net/xfrm/xfrm_user.c), and logs what is none.
netns::NetlinkMessage list_states();
netns::NetlinkMessage list_policies();

} // namespace viaduct::xfrm
