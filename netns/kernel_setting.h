// The kernel's settings of one router, which live below /proc/sys/net.
#pragma once

#include "netns/network_namespace.h"
#include "netns/system_error.h"

#include <expected>
#include <string>

namespace viaduct::netns {

/// `name` is the path below /proc/sys/net: `core/xfrm_larval_drop`. Without the line's end.
std::expected<std::string, SystemError> read_setting(const NetworkNamespace& router,
                                                     const std::string& name);
/// Needs CAP_NET_ADMIN over the namespace, and a /proc/sys that may be written to.
std::expected<void, SystemError> write_setting(const NetworkNamespace& router,
                                               const std::string& name, const std::string& value);

} // namespace viaduct::netns
