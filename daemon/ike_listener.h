// One IKE socket, waited on by the event loop.
#pragma once

#include "netns/ike_udp_socket.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

namespace viaduct::daemon {

/// Takes a bounded number of datagrams from its socket in each turn of the loop, so that a flood in
/// one router leaves the others their turns.
class IkeListener {
public:
    using OnDatagram = std::function<void(const netns::ReceivedDatagram&)>;
    using OnError = std::function<void(const netns::SystemError&)>;

    IkeListener(boost::asio::io_context& loop, netns::IkeUdpSocket socket, OnDatagram on_datagram,
                OnError on_error);
    IkeListener(const IkeListener&) = delete;
    IkeListener& operator=(const IkeListener&) = delete;
    ~IkeListener();

    netns::IkeUdpSocket& socket() { return socket_; }

private:
    void wait();
    void take_turn();

    netns::IkeUdpSocket socket_;
    boost::asio::posix::stream_descriptor readiness_;
    OnDatagram on_datagram_;
    OnError on_error_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
