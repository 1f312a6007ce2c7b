#include "daemon/control_socket.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace viaduct::daemon {

namespace asio = boost::asio;

/// One connected operator: reads a line, waits for its answer, writes it, and so on.
class ControlSocket::Client : public std::enable_shared_from_this<Client> {
public:
    Client(Protocol::socket socket, const ControlSocketSettings& settings,
           OnControlRequest on_request, std::shared_ptr<const bool> counted)
        : socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          patience_(settings.patience),
          on_request_(std::move(on_request)),
          counted_(std::move(counted)),
          buffer_(input_, settings.longest_request) {}

    void read() {
        lose_patience_later();
        asio::async_read_until(socket_, buffer_, '\n',
                               [self = shared_from_this()](const auto& error, std::size_t length) {
                                   self->timer_.cancel();
                                   if (!error) {
                                       self->on_line(length);
                                   } else if (error == asio::error::not_found) {
                                       self->write(
                                           "{\"ok\":false,\"error\":\"the request is too long\"}",
                                           After::close);
                                   }
                               });
    }

private:
    enum class After : std::uint8_t { read, close };

    void on_line(std::size_t length) {
        const std::string line = input_.substr(0, length - 1);
        buffer_.consume(length);
        on_request_(line, [self = shared_from_this()](std::string answer) {
            self->write(std::move(answer), After::read);
        });
    }

    void write(std::string answer, After after) {
        output_ = std::move(answer) + "\n";
        lose_patience_later();
        asio::async_write(socket_, asio::buffer(output_),
                          [self = shared_from_this(), after](const auto& error, std::size_t) {
                              self->timer_.cancel();
                              if (!error && after == After::read) {
                                  self->read();
                              }
                          });
    }

    void lose_patience_later() {
        timer_.expires_after(patience_);
        timer_.async_wait([weak = weak_from_this()](const auto& error) {
            if (auto self = weak.lock(); self != nullptr && !error) {
                boost::system::error_code ignored;
                self->socket_.close(ignored);
            }
        });
    }

    Protocol::socket socket_;
    asio::steady_timer timer_;
    std::chrono::milliseconds patience_;
    OnControlRequest on_request_;
    std::shared_ptr<const bool> counted_;
    std::string input_;
    asio::dynamic_string_buffer<char, std::char_traits<char>, std::allocator<char>> buffer_;
    std::string output_;
};

namespace {

std::string system_text(const std::string& what) {
    return what + ": " + std::strerror(errno);
}

/// Whether a process listens on the socket file.
bool is_alive(const std::filesystem::path& path) {
    asio::io_context loop;
    asio::local::stream_protocol::socket probe(loop);
    boost::system::error_code error;
    probe.connect(asio::local::stream_protocol::endpoint(path.string()), error);
    return !error;
}

std::expected<void, std::string> make_way(const std::filesystem::path& path) {
    std::error_code error;
    const auto folder = path.parent_path();
    if (!folder.empty() && !std::filesystem::exists(folder, error)) {
        if (!std::filesystem::create_directories(folder, error)) {
            return std::unexpected(folder.string() + ": " + error.message());
        }
        // Others may look for the socket; whether they may use it is its own mode's matter.
        std::filesystem::permissions(folder, std::filesystem::perms(0755), error);
    }
    if (std::filesystem::is_socket(path, error)) {
        if (is_alive(path)) {
            return std::unexpected(path.string() + ": another viaductd listens there");
        }
        ::unlink(path.c_str());
    }
    return {};
}

std::vector<gid_t> supplementary_groups(int descriptor) {
#ifdef SO_PEERGROUPS
    std::vector<gid_t> groups(256);
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0) {
        groups.resize(length / sizeof(gid_t));
        return groups;
    }
#endif
    return {};
}

} // namespace

std::expected<std::unique_ptr<ControlSocket>, std::string>
ControlSocket::open(asio::io_context& loop, ControlSocketSettings settings, LogWriter& log,
                    OnControlRequest on_request) {
    std::unique_ptr<ControlSocket> result(
        new ControlSocket(loop, std::move(settings), log, std::move(on_request)));
    if (auto listening = result->listen(); !listening) {
        return std::unexpected("control socket: " + listening.error());
    }
    result->accept();
    return result;
}

ControlSocket::ControlSocket(asio::io_context& loop, ControlSocketSettings settings, LogWriter& log,
                             OnControlRequest on_request)
    : settings_(std::move(settings)),
      log_(log),
      on_request_(std::move(on_request)),
      acceptor_(loop),
      pause_(loop) {}

ControlSocket::~ControlSocket() {
    if (bound_) {
        ::unlink(settings_.path.c_str());
    }
}

std::expected<void, std::string> ControlSocket::listen() {
    const auto& path = settings_.path;
    if (path.string().size() >= 108) {
        return std::unexpected(path.string() + ": longer than 107 octets");
    }
    if (auto free = make_way(path); !free) {
        return free;
    }
    boost::system::error_code error;
    acceptor_.open(Protocol(), error);
    const auto before = ::umask(0177);
    acceptor_.bind(Protocol::endpoint(path.string()), error);
    ::umask(before);
    if (error) {
        return std::unexpected(path.string() + ": " + error.message());
    }
    bound_ = true;
    if (auto handed = hand_to_group(); !handed) {
        return handed;
    }
    acceptor_.listen(64, error);
    return error ? std::expected<void, std::string>(std::unexpected(error.message()))
                 : std::expected<void, std::string>();
}

std::expected<void, std::string> ControlSocket::hand_to_group() {
    const auto* path = settings_.path.c_str();
    if (!settings_.group.empty()) {
        const auto* group = ::getgrnam(settings_.group.c_str());
        if (group == nullptr) {
            return std::unexpected("there is no group '" + settings_.group + "'");
        }
        group_ = group->gr_gid;
        if (::chown(path, static_cast<uid_t>(-1), *group_) != 0) {
            return std::unexpected(system_text(settings_.path.string()));
        }
    }
    if (::chmod(path, 0660) != 0) {
        return std::unexpected(system_text(settings_.path.string()));
    }
    return {};
}

void ControlSocket::accept() {
    acceptor_.async_accept([this, alive = std::weak_ptr(alive_)](const auto& error, auto socket) {
        if (alive.expired() || error == asio::error::operation_aborted) {
            return;
        }
        if (!error) {
            on_accepted(std::move(socket));
            accept();
            return;
        }
        // Out of descriptors: trying again at once would spin.
        pause_.expires_after(std::chrono::seconds(1));
        pause_.async_wait([this, alive](const auto& stopped) {
            if (!stopped && !alive.expired()) {
                accept();
            }
        });
    });
}

void ControlSocket::on_accepted(Protocol::socket socket) {
    if (!may_connect(socket)) {
        return;
    }
    const auto clients = static_cast<std::size_t>(clients_.use_count() - 1);
    if (clients >= settings_.most_clients) {
        log_.write(LogArea::daemon, LogLevel::warn, "control socket: too many clients");
        // A fresh socket has room for it; nobody waits for one that has not.
        constexpr std::string_view answer = "{\"ok\":false,\"error\":\"too many clients\"}\n";
        boost::system::error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(answer), ignored);
    } else {
        std::make_shared<Client>(std::move(socket), settings_, on_request_, clients_)->read();
    }
}

bool ControlSocket::may_connect(Protocol::socket& socket) {
    ucred peer{};
    socklen_t length = sizeof(peer);
    const int descriptor = socket.native_handle();
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return false;
    }
    const bool member =
        group_ &&
        (peer.gid == *group_ || std::ranges::contains(supplementary_groups(descriptor), *group_));
    if (peer.uid == 0 || peer.uid == ::geteuid() || member) {
        return true;
    }
    log_.write(LogArea::daemon, LogLevel::warn,
               fmt::format("control socket: refused user {} (process {})", peer.uid, peer.pid));
    return false;
}

} // namespace viaduct::daemon
