#include "netns/ike_udp_socket.h"

#include "netns/file_descriptor.h"
#include "netns/receive_buffer.h"
#include "netns/socket_address.h"

#include <linux/netlink.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace viaduct::netns {
namespace {

using policy::AddressFamily;

constexpr int datagram_room = 4 << 20;
constexpr std::size_t longest_datagram = 65536;
/// How many queued ICMP errors one receive() passes over before it lets others run.
constexpr int most_errors_in_a_row = 64;

bool is_ipv6(AddressFamily family) {
    return family == AddressFamily::ipv6;
}

std::string name_of(AddressFamily family, std::uint16_t port) {
    return (is_ipv6(family) ? "UDP ::[" : "UDP 0.0.0.0[") + std::to_string(port) + "]";
}

/// Sets options one after another and remembers the first refusal.
class Options {
public:
    Options(int socket, std::string object) : socket_(socket), object_(std::move(object)) {}

    template <class Value>
    void set(int level, int option, const char* option_name, const Value& value) {
        if (::setsockopt(socket_, level, option, &value, sizeof(value)) != 0 && result_) {
            result_ = std::unexpected(
                SystemError{errno, std::string("setsockopt ") + option_name + " " + object_, {}});
        }
    }
    std::expected<void, SystemError> result() const { return result_; }

private:
    int socket_;
    std::string object_;
    std::expected<void, SystemError> result_;
};

/// The kernel understands a socket's policy only with the code behind NETLINK_XFRM, which is often
/// a module; opening such a socket loads it. Without it every policy is an invalid argument.
void load_policy_module() {
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
    if (socket >= 0)
        ::close(socket);
}

/// IKE must reach the peer whatever the policies say, or a tunnel for everything would swallow it.
void set_policy_bypass(Options& options, AddressFamily family) {
    load_policy_module();
    xfrm_userpolicy_info bypass{};
    bypass.action = XFRM_POLICY_ALLOW;
    bypass.sel.family = is_ipv6(family) ? AF_INET6 : AF_INET;
    for (const std::uint8_t direction : {XFRM_POLICY_IN, XFRM_POLICY_OUT}) {
        bypass.dir = direction;
        if (is_ipv6(family)) {
            options.set(IPPROTO_IPV6, IPV6_XFRM_POLICY, "IPV6_XFRM_POLICY", bypass);
        } else {
            options.set(IPPROTO_IP, IP_XFRM_POLICY, "IP_XFRM_POLICY", bypass);
        }
    }
}

void set_family_options(Options& options, AddressFamily family) {
    // IKE messages that are longer than the path allows travel as fragments.
    if (is_ipv6(family)) {
        options.set(IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", 1);
        options.set(IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO", 1);
        options.set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, "IPV6_MTU_DISCOVER", int{IPV6_PMTUDISC_DONT});
    } else {
        options.set(IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO", 1);
        options.set(IPPROTO_IP, IP_MTU_DISCOVER, "IP_MTU_DISCOVER", int{IP_PMTUDISC_DONT});
    }
}

std::expected<std::uint16_t, SystemError> prepare(int socket, AddressFamily family,
                                                  std::uint16_t port, UdpPurpose purpose,
                                                  PolicyBypass bypass) {
    const std::string object = name_of(family, port);
    set_receive_buffer(socket, datagram_room);
    Options options(socket, object);
    set_family_options(options, family);
    if (bypass == PolicyBypass::wanted) {
        set_policy_bypass(options, family);
    }
    if (purpose == UdpPurpose::ike_and_esp) {
        options.set(IPPROTO_UDP, UDP_ENCAP, "UDP_ENCAP", int{UDP_ENCAP_ESPINUDP});
    }
    if (const auto result = options.result(); !result) {
        return std::unexpected(result.error());
    }
    SocketAddress address({policy::IpAddress::unspecified(family), port});
    if (::bind(socket, address.data(), address.size()) != 0 ||
        ::getsockname(socket, address.data(), address.size_room()) != 0) {
        return std::unexpected(SystemError{errno, "bind " + object, {}});
    }
    return address.endpoint().port;
}

/// The error queue of a datagram socket: what routers and peers said about earlier datagrams.
bool comes_from_icmp(int code) {
    switch (code) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EMSGSIZE:
    case EPROTO:
    case EACCES:
    case EOPNOTSUPP: return true;
    default: return false;
    }
}

std::optional<policy::IpAddress> destination_of(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(part), sizeof(info));
            return address_of(info.ipi_addr);
        }
        if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(part), sizeof(info));
            return address_of(info.ipi6_addr);
        }
    }
    return std::nullopt;
}

template <class Info> void put_packet_info(msghdr& message, int level, int type, const Info& info) {
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = level;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(sizeof(info));
    std::memcpy(CMSG_DATA(part), &info, sizeof(info));
    message.msg_controllen = CMSG_SPACE(sizeof(info));
}

/// Names the address to send from. `message` has room for it.
void put_source(msghdr& message, const policy::IpAddress& source) {
    if (source.family() == AddressFamily::ipv6) {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, source.octets().data(), sizeof(info.ipi6_addr));
        put_packet_info(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, source.octets().data(), sizeof(info.ipi_spec_dst));
        put_packet_info(message, IPPROTO_IP, IP_PKTINFO, info);
    }
}

} // namespace

std::expected<IkeUdpSocket, SystemError> IkeUdpSocket::open(const NetworkNamespace& router,
                                                            AddressFamily family,
                                                            std::uint16_t port, UdpPurpose purpose,
                                                            PolicyBypass bypass) {
    FileDescriptor socket;
    std::expected<std::uint16_t, SystemError> bound;
    const auto entered = router.inside([&] {
        socket = FileDescriptor(::socket(is_ipv6(family) ? AF_INET6 : AF_INET,
                                         SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
        if (socket.is_open()) {
            bound = prepare(socket.number(), family, port, purpose, bypass);
        } else {
            bound = std::unexpected(SystemError{errno, "socket " + name_of(family, port), {}});
        }
    });
    if (!entered) {
        return std::unexpected(entered.error());
    }
    if (!bound) {
        return std::unexpected(bound.error());
    }
    return IkeUdpSocket(socket.release(), family, *bound);
}

IkeUdpSocket::IkeUdpSocket(IkeUdpSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      family_(other.family_),
      port_(other.port_) {}

IkeUdpSocket& IkeUdpSocket::operator=(IkeUdpSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(family_, other.family_);
    std::swap(port_, other.port_);
    return *this;
}

IkeUdpSocket::~IkeUdpSocket() {
    FileDescriptor closing(descriptor_);
}

std::expected<std::optional<ReceivedDatagram>, SystemError> IkeUdpSocket::receive() {
    std::array<std::uint8_t, longest_datagram> room;
    for (int errors = 0; errors < most_errors_in_a_row;) {
        SocketAddress sender;
        alignas(cmsghdr) std::array<std::uint8_t, 256> control;
        iovec part{room.data(), room.size()};
        msghdr message{sender.data(),  *sender.size_room(), &part, 1,
                       control.data(), control.size(),      0};
        const ssize_t length = ::recvmsg(descriptor_, &message, 0);
        if (length < 0) {
            if (errno == EAGAIN) {
                return std::nullopt;
            }
            if (errno != EINTR && !comes_from_icmp(errno)) {
                return std::unexpected(
                    SystemError{errno, "receive " + name_of(family_, port_), {}});
            }
            ++errors;
            continue;
        }
        const auto destination = destination_of(message);
        if (!destination || (message.msg_flags & MSG_TRUNC) != 0) {
            ++errors;
            continue;
        }
        return ReceivedDatagram{{{*destination, port_}, sender.endpoint()},
                                {room.begin(), room.begin() + length}};
    }
    return std::nullopt;
}

std::expected<void, SystemError> IkeUdpSocket::send(const policy::UdpPath& path,
                                                    std::span<const std::uint8_t> octets) {
    const auto failure = [&](int code) {
        return std::unexpected(SystemError{
            code, "send " + path.local.to_string() + " -> " + path.remote.to_string(), {}});
    };
    if (path.remote.address.family() != family_ || path.local.address.family() != family_) {
        return failure(EAFNOSUPPORT);
    }
    SocketAddress receiver(path.remote);
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
    // sendmsg(2) only reads, but its iovec is shared with recvmsg(2).
    iovec part{const_cast<std::uint8_t*>(octets.data()), octets.size()};
    msghdr message{receiver.data(), receiver.size(), &part, 1, control.data(), control.size(), 0};
    put_source(message, path.local.address);
    while (::sendmsg(descriptor_, &message, 0) < 0) {
        if (errno != EINTR) {
            return failure(errno);
        }
    }
    return {};
}

} // namespace viaduct::netns
