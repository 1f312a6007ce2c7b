#include "netns/socket_address.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace viaduct::netns {

policy::IpAddress address_of(const in_addr& address) {
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &address, octets.size());
    return policy::IpAddress::v4(octets);
}

policy::IpAddress address_of(const in6_addr& address) {
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &address, octets.size());
    return policy::IpAddress::v6(octets);
}

SocketAddress::SocketAddress(const policy::UdpEndpoint& endpoint) {
    const auto octets = endpoint.address.octets();
    if (endpoint.address.family() == policy::AddressFamily::ipv6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(endpoint.port);
        std::memcpy(&address.sin6_addr, octets.data(), octets.size());
        std::memcpy(&storage_, &address, sizeof(address));
        size_ = sizeof(address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        std::memcpy(&address.sin_addr, octets.data(), octets.size());
        std::memcpy(&storage_, &address, sizeof(address));
        size_ = sizeof(address);
    }
}

policy::UdpEndpoint SocketAddress::endpoint() const {
    if (storage_.ss_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, &storage_, sizeof(address));
        return {address_of(address.sin6_addr), ntohs(address.sin6_port)};
    }
    sockaddr_in address{};
    std::memcpy(&address, &storage_, sizeof(address));
    return {address_of(address.sin_addr), ntohs(address.sin_port)};
}

} // namespace viaduct::netns
