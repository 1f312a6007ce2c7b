#include "daemon/signals.h"

#include <csignal>

namespace viaduct::daemon {

Signals::Signals(boost::asio::io_context& loop, std::function<void()> on_stop,
                 std::function<void()> on_reload)
    : set_(loop, SIGTERM, SIGINT, SIGHUP),
      on_stop_(std::move(on_stop)),
      on_reload_(std::move(on_reload)) {
    wait();
}

void Signals::wait() {
    set_.async_wait([this](const auto& error, int signal) {
        if (error) {
            return;
        }
        // A second signal to stop ends the wait for the first.
        wait();
        if (signal == SIGHUP) {
            on_reload_();
        } else {
            on_stop_();
        }
    });
}

} // namespace viaduct::daemon
