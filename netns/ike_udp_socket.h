// A UDP socket for IKE in a router's namespace: one address family, one port, every local address.
#pragma once

#include "netns/network_namespace.h"
#include "policy/ip_address.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace viaduct::netns {

/// Whether ESP in UDP arrives on the port too (UDP_ENCAP, RFC 3948): then the kernel takes ESP and
/// keepalives and the socket gets the datagrams with the non-ESP marker, marker included.
enum class UdpPurpose : std::uint8_t { ike, ike_and_esp };
/// Whether the socket's own datagrams pass XFRM policies untouched (needs CAP_NET_ADMIN).
enum class PolicyBypass : std::uint8_t { wanted, not_wanted };

struct ReceivedDatagram {
    policy::UdpPath path;
    std::vector<std::uint8_t> octets;
};

/// Non-blocking. Receives with the address that was asked and answers from it (IP_PKTINFO).
class IkeUdpSocket {
public:
    static std::expected<IkeUdpSocket, SystemError> open(const NetworkNamespace& router,
                                                         policy::AddressFamily family,
                                                         std::uint16_t port, UdpPurpose purpose,
                                                         PolicyBypass bypass);
    IkeUdpSocket(IkeUdpSocket&& other) noexcept;
    IkeUdpSocket& operator=(IkeUdpSocket&& other) noexcept;
    ~IkeUdpSocket();

    /// For an event loop to wait on. Stays owned by the object.
    int descriptor() const { return descriptor_; }
    /// The next datagram, or nothing when there is none now. Longer than 65507 octets cannot
    /// happen; a datagram without destination address is dropped here.
    std::expected<std::optional<ReceivedDatagram>, SystemError> receive();
    /// From path.local.address to path.remote. EAGAIN counts as an error: IKE sends again by
    /// itself.
    std::expected<void, SystemError> send(const policy::UdpPath& path,
                                          std::span<const std::uint8_t> octets);

private:
    IkeUdpSocket(int descriptor, policy::AddressFamily family, std::uint16_t port)
        : descriptor_(descriptor), family_(family), port_(port) {}

    int descriptor_ = -1;
    policy::AddressFamily family_;
    std::uint16_t port_;
};

} // namespace viaduct::netns
