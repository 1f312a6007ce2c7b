#include "daemon/ready_notice.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace viaduct::daemon {

void send_ready_notice() {
    const char* name = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (name == nullptr || name[0] == '\0' || std::strlen(name) >= sizeof(address.sun_path)) {
        return;
    }
    address.sun_family = AF_UNIX;
    const std::string_view path(name);
    std::ranges::copy(path, address.sun_path);
    if (address.sun_path[0] == '@') {
        // The abstract namespace.
        address.sun_path[0] = '\0';
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        return;
    }
    constexpr std::string_view notice = "READY=1";
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    ::sendto(socket, notice.data(), notice.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), length);
    ::close(socket);
}

} // namespace viaduct::daemon
