// The signals of the daemon: SIGTERM and SIGINT end it, SIGHUP reads the configuration again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>

namespace viaduct::daemon {

class Signals {
public:
    Signals(boost::asio::io_context& loop, std::function<void()> on_stop,
            std::function<void()> on_reload);

private:
    void wait();

    boost::asio::signal_set set_;
    std::function<void()> on_stop_;
    std::function<void()> on_reload_;
};

} // namespace viaduct::daemon
