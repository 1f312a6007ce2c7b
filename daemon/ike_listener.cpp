#include "daemon/ike_listener.h"

namespace viaduct::daemon {

namespace {

constexpr int datagrams_per_turn = 32;

}

IkeListener::IkeListener(boost::asio::io_context& loop, netns::IkeUdpSocket socket,
                         OnDatagram on_datagram, OnError on_error)
    : socket_(std::move(socket)),
      readiness_(loop, socket_.descriptor()),
      on_datagram_(std::move(on_datagram)),
      on_error_(std::move(on_error)) {
    wait();
}

IkeListener::~IkeListener() {
    // The socket closes its descriptor itself.
    readiness_.release();
}

void IkeListener::wait() {
    readiness_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this, alive = std::weak_ptr(alive_)](const auto& error) {
                              if (!error && !alive.expired()) {
                                  take_turn();
                              }
                          });
}

void IkeListener::take_turn() {
    const std::weak_ptr alive(alive_);
    for (int taken = 0; taken < datagrams_per_turn; ++taken) {
        const auto received = socket_.receive();
        if (!received) {
            on_error_(received.error());
            break;
        }
        if (!*received) {
            break;
        }
        on_datagram_(**received);
        if (alive.expired()) {
            return;
        }
    }
    wait();
}

} // namespace viaduct::daemon
