#include "netns/event_socket.h"

#include "netns/receive_buffer.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace viaduct::netns {
namespace {

/// Only used while notifications queue up.
constexpr int notification_room = 8 << 20;
/// An interface with all its statistics is described in less.
constexpr std::size_t longest_datagram = 65536;

std::string name_of(int protocol) {
    return "netlink events of protocol " + std::to_string(protocol);
}

/// Absent: the receiver's own namespace.
NamespaceNumber number_in(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == SOL_NETLINK && part->cmsg_type == NETLINK_LISTEN_ALL_NSID) {
            NamespaceNumber number = own_namespace;
            std::memcpy(&number, CMSG_DATA(part), sizeof(number));
            return number;
        }
    }
    return own_namespace;
}

} // namespace

EventSocket::EventSocket(FileDescriptor socket, int protocol, bool hears_all)
    : socket_(std::move(socket)),
      protocol_(protocol),
      hears_all_(hears_all),
      room_(longest_datagram) {}

std::expected<EventSocket, SystemError> EventSocket::open(int protocol,
                                                          std::span<const unsigned> groups) {
    FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!socket.is_open()) {
        return std::unexpected(SystemError{errno, name_of(protocol), {}});
    }
    const int number = socket.number();
    set_receive_buffer(number, notification_room);
    constexpr int yes = 1;
    const bool hears_all =
        ::setsockopt(number, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &yes, sizeof(yes)) == 0;
    // A socket without an address of its own hears nothing.
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (::bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return std::unexpected(SystemError{errno, "bind " + name_of(protocol), {}});
    }
    for (const unsigned group : groups) {
        if (::setsockopt(number, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
            return std::unexpected(
                SystemError{errno, name_of(protocol) + ", group " + std::to_string(group), {}});
        }
    }
    return EventSocket(std::move(socket), protocol, hears_all);
}

std::expected<EventSocket::Outcome, SystemError> EventSocket::receive(int most,
                                                                      const OnMessage& on_message) {
    for (int taken = 0; taken < most; ++taken) {
        sockaddr_nl sender{};
        alignas(cmsghdr) std::array<std::uint8_t, 256> control;
        iovec part{room_.data(), room_.size()};
        msghdr message{&sender, sizeof(sender), &part, 1, control.data(), control.size(), 0};
        const ssize_t length = ::recvmsg(socket_.number(), &message, 0);
        if (length < 0) {
            switch (errno) {
            case EAGAIN: return Outcome::drained;
            case EINTR: continue;
            case ENOBUFS: return Outcome::lost;
            default: return std::unexpected(SystemError{errno, name_of(protocol_), {}});
            }
        }
        if (sender.nl_pid != 0) {
            continue; // another process; only the kernel is believed
        }
        if ((message.msg_flags & MSG_TRUNC) != 0) {
            return Outcome::lost;
        }
        const NamespaceNumber place = number_in(message);
        int left = static_cast<int>(length);
        const auto* head = reinterpret_cast<const nlmsghdr*>(room_.data());
        for (; mnl_nlmsg_ok(head, left); head = mnl_nlmsg_next(head, &left)) {
            on_message(place, {reinterpret_cast<const std::uint8_t*>(head), head->nlmsg_len});
        }
    }
    return Outcome::more;
}

} // namespace viaduct::netns
