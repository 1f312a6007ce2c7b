// Room for what waits in a socket.
#pragma once

namespace viaduct::netns {

/// Gives a socket room for so many octets, with CAP_NET_ADMIN beyond net.core.rmem_max (socket(7),
/// SO_RCVBUFFORCE). Less room than asked for is no error.
void set_receive_buffer(int socket, int octets);

} // namespace viaduct::netns
