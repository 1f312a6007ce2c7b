// What the process may do and what it gives up at start.
#pragma once

#include "daemon/command_line.h"

#include <expected>
#include <string>

namespace viaduct::daemon {

/// Core dumps off and the process not traceable by others (its memory holds keys), files made for
/// the owner alone, and as many descriptors as the system allows: each router has its sockets.
void protect_process();

/// Whether the options can be carried out with the capabilities at hand; the error is one line that
/// says what is missing.
std::expected<void, std::string> check_privileges(const DaemonOptions& options);

/// The same of the ports that the routers' files name, and of the daemon's own where one names none
/// or there is none. The files are read only where it depends on them.
std::expected<void, std::string> check_ports(const DaemonOptions& options);

/// Keeps CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_NET_BIND_SERVICE, and what the options ask for, where
/// it has them and gives up the rest, for itself and whatever it would execute.
std::expected<void, std::string> drop_privileges(const DaemonOptions& options);

} // namespace viaduct::daemon
