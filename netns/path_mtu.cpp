#include "netns/path_mtu.h"

#include "netns/file_descriptor.h"
#include "netns/socket_address.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace viaduct::netns {
namespace {

constexpr std::uint16_t any_port = 500;

std::expected<std::uint32_t, SystemError> ask(const policy::IpAddress& local,
                                              const policy::IpAddress& peer) {
    const bool ipv6 = local.family() == policy::AddressFamily::ipv6;
    const auto failed = [&] {
        return std::unexpected(SystemError{errno, "MTU towards " + peer.to_string(), {}});
    };
    const FileDescriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    SocketAddress own({local, 0});
    SocketAddress other({peer, any_port});
    if (!socket.is_open() || ::bind(socket.number(), own.data(), own.size()) != 0 ||
        ::connect(socket.number(), other.data(), other.size()) != 0) {
        return failed();
    }
    int mtu = 0;
    socklen_t size = sizeof(mtu);
    if (::getsockopt(socket.number(), ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_MTU : IP_MTU,
                     &mtu, &size) != 0) {
        return failed();
    }
    return static_cast<std::uint32_t>(mtu);
}

} // namespace

std::expected<std::uint32_t, SystemError> path_mtu(const NetworkNamespace& router,
                                                   const policy::IpAddress& local,
                                                   const policy::IpAddress& peer) {
    std::expected<std::uint32_t, SystemError> result;
    const auto entered = router.inside([&] { result = ask(local, peer); });
    return entered ? result : std::unexpected(entered.error());
}

} // namespace viaduct::netns
