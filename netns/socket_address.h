// policy's addresses in the form that system calls take.
#pragma once

#include "policy/ip_address.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace viaduct::netns {

policy::IpAddress address_of(const in_addr& address);
policy::IpAddress address_of(const in6_addr& address);

/// A sockaddr of either family with its length.
class SocketAddress {
public:
    /// Room for the address of whoever sends.
    SocketAddress() = default;
    explicit SocketAddress(const policy::UdpEndpoint& endpoint);

    policy::UdpEndpoint endpoint() const;
    sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
    socklen_t size() const { return size_; }
    socklen_t* size_room() { return &size_; }

private:
    sockaddr_storage storage_{};
    socklen_t size_ = sizeof(sockaddr_storage);
};

} // namespace viaduct::netns
