#include "netns/receive_buffer.h"

#include <sys/socket.h>

namespace viaduct::netns {

void set_receive_buffer(int socket, int octets) {
    if (::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) != 0) {
        ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
    }
}

} // namespace viaduct::netns
