// What operators ask for over the control socket, and the answers.
#pragma once

#include "daemon/control_request.h"
#include "daemon/control_socket.h"
#include "daemon/reload.h"
#include "daemon/routers.h"

#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <string>
#include <vector>

namespace viaduct::daemon {

class OperatorCommands {
public:
    OperatorCommands(boost::asio::io_context& loop, Routers& routers, Reload& reload,
                     std::string kernel);

    void on_request(std::string_view line, const ControlAnswer& answer);
    /// Ends the waits of those who asked for a connection.
    void on_report(const std::string& router, const ike::ReportEvent& event);

private:
    /// Somebody who asked for a connection and waits until it is up or has failed.
    struct Waiting {
        ConnectionName name;
        std::chrono::steady_clock::time_point until;
        ControlAnswer answer;
    };

    void carry_out(const ControlRequest& request, const ControlAnswer& answer);
    std::string status(const ControlRequest& request);
    /// Answers when the routers that it adds have started.
    void reload(const ControlRequest& request, const ControlAnswer& answer);
    std::string version() const;
    void up(const ControlRequest& request, const ControlAnswer& answer);
    std::string down(const ControlRequest& request);
    std::string rekey(const ControlRequest& request);
    /// Answers when every router has been looked at.
    void compare(const ControlRequest& request, const ControlAnswer& answer);
    /// Of a connection of a running router; nothing: `--only` leaves it out.
    std::optional<ike::ConnectionStatus> status_of(const ConnectionName& name);
    std::optional<ike::ConnectionState> state_of(const ConnectionName& name);
    bool is_up(const ConnectionName& name);
    /// Of an IKE SA that is not established, as the end of a sentence; empty without one.
    std::string what_is_awaited(const ConnectionName& name);
    /// The running router of the one connection that the name stands for, or the answer that says
    /// why not.
    std::expected<ConnectionName, std::string> one_connection(const std::string& name);
    void look_after_waiting();

    Routers& routers_;
    Reload& reload_;
    std::string kernel_;
    ClockReading started_ = ClockReading::now();
    std::vector<Waiting> waiting_;
    boost::asio::steady_timer timer_;
};

} // namespace viaduct::daemon
