// Requests about the numbers of namespaces (linux/net_namespace.h), as netlink messages.
#pragma once

#include "netns/netlink_message.h"

#include <cstdint>

namespace viaduct::netns {

/// GETNSID: the number of the namespace behind this descriptor.
NetlinkMessage ask_for_number(int descriptor);
/// NEWNSID. Fails with EEXIST where the number is taken, or the namespace has one.
NetlinkMessage give_number(int descriptor, std::int32_t number);

} // namespace viaduct::netns
