// The local socket for operators: one request a line, one answer a line.
#pragma once

#include "daemon/log_writer.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/types.h>

#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace viaduct::daemon {

struct ControlSocketSettings {
    std::filesystem::path path;
    /// Members may connect, beside root and the user the daemon runs as. Empty: nobody else.
    std::string group;
    std::size_t most_clients = 32;
    std::size_t longest_request = 4096;
    /// For a client to send a whole request, and to take an answer.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
};

/// Called once, now or later; the answer is one line, given without its line break.
using ControlAnswer = std::function<void(std::string line)>;
using OnControlRequest = std::function<void(std::string_view line, ControlAnswer answer)>;

class ControlSocket {
public:
    /// Replaces a socket that nobody listens on; refuses to take over a living daemon's.
    static std::expected<std::unique_ptr<ControlSocket>, std::string>
    open(boost::asio::io_context& loop, ControlSocketSettings settings, LogWriter& log,
         OnControlRequest on_request);
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    /// Removes the socket. Clients that wait for an answer get none.
    ~ControlSocket();

private:
    using Protocol = boost::asio::local::stream_protocol;
    class Client;

    ControlSocket(boost::asio::io_context& loop, ControlSocketSettings settings, LogWriter& log,
                  OnControlRequest on_request);
    std::expected<void, std::string> listen();
    std::expected<void, std::string> hand_to_group();
    void accept();
    void on_accepted(Protocol::socket socket);
    bool may_connect(Protocol::socket& socket);

    ControlSocketSettings settings_;
    LogWriter& log_;
    OnControlRequest on_request_;
    Protocol::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    std::optional<gid_t> group_;
    bool bound_ = false;
    // Held by every client; its use count tells how many there are.
    std::shared_ptr<const bool> clients_ = std::make_shared<const bool>(true);
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
