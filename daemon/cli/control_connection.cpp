#include "daemon/cli/control_connection.h"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace viaduct::daemon {

namespace {

class Connection {
public:
    explicit Connection(std::chrono::seconds patience)
        : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { ::close(descriptor_); }

    /// Each returns an errno value, 0 for success.
    int connect(std::string_view path) {
        sockaddr_un address{};
        if (path.size() >= sizeof(address.sun_path)) {
            return ENAMETOOLONG;
        }
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        return ::connect(descriptor_, generic, sizeof(address)) == 0 ? 0 : errno;
    }

    int send(std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR) {
                return errno;
            }
            text.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
        }
        return 0;
    }

    int receive_line(std::string& line) {
        char part[65536];
        while (!line.ends_with('\n')) {
            const auto count = ::recv(descriptor_, part, sizeof(part), 0);
            if (count == 0) {
                return ECONNRESET;
            }
            if (count < 0 && errno != EINTR) {
                return errno;
            }
            line.append(part, count < 0 ? 0 : static_cast<std::size_t>(count));
        }
        line.pop_back();
        return 0;
    }

private:
    int descriptor_;
};

std::string connect_error(const std::filesystem::path& control, int error) {
    if (error == ENOENT || error == ECONNREFUSED) {
        return "viaductd does not run (nobody listens on " + control.string() + ")";
    }
    return control.string() + ": " + std::strerror(error);
}

std::string answer_error(int error) {
    if (error == ECONNRESET || error == EPIPE) {
        return "viaductd closed the connection without an answer (not allowed, or it is ending)";
    }
    return error == EAGAIN ? "viaductd does not answer" : std::strerror(error);
}

} // namespace

std::expected<std::string, std::string> ask_daemon(const std::filesystem::path& control,
                                                   const std::string& line,
                                                   std::chrono::seconds patience) {
    Connection connection(patience);
    if (const int error = connection.connect(control.string()); error != 0) {
        return std::unexpected(connect_error(control, error));
    }
    std::string answer;
    int error = connection.send(line + "\n");
    // A daemon that has too many clients says so and hangs up without reading.
    if (error == 0 || error == EPIPE) {
        error = connection.receive_line(answer);
    }
    if (error != 0) {
        return std::unexpected(answer_error(error));
    }
    return answer;
}

} // namespace viaduct::daemon
