#pragma once

namespace viaduct::daemon {

/// Tells the service manager that the daemon is ready (sd_notify's READY=1), where NOTIFY_SOCKET
/// names one; else nothing.
void send_ready_notice();

} // namespace viaduct::daemon
