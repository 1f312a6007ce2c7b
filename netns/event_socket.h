// The kernel's notifications from every network namespace, through one socket.
//
// The kernel goes through all subscribers of a protocol for each notification in any namespace, so
// one subscriber per router would make every change in every router dearer. One socket in the
// process's own namespace with NETLINK_LISTEN_ALL_NSID hears them all.
#pragma once

#include "netns/file_descriptor.h"
#include "netns/namespace_number.h"
#include "netns/system_error.h"

#include <botan/secmem.h>

#include <expected>
#include <functional>
#include <span>

namespace viaduct::netns {

/// Non-blocking. It hears its own namespace and those that have a number there (NamespaceNumbers).
class EventSocket {
public:
    /// `protocol`: NETLINK_XFRM, NETLINK_ROUTE, NETLINK_NETFILTER. `groups`: numbers, such as
    /// XFRMNLGRP_EXPIRE, not masks. Namespaces other than the process's own are heard when
    /// CAP_NET_BROADCAST is there while the socket is opened; later it is not needed.
    static std::expected<EventSocket, SystemError> open(int protocol,
                                                        std::span<const unsigned> groups);

    /// For an event loop to wait on. Stays owned by the object.
    int descriptor() const { return socket_.number(); }
    /// Whether other namespaces are heard.
    bool hears_all() const { return hears_all_; }

    /// Where a notification came from and what it says: one netlink message, header included, that
    /// lives as long as the call. Its kind and lengths are for the receiver to check.
    using OnMessage = std::function<void(NamespaceNumber, std::span<const std::uint8_t>)>;

    enum class Outcome : std::uint8_t {
        drained, ///< nothing is left for now
        more,    ///< `most` datagrams were read; there may be more
        lost,    ///< the kernel had no room: what happened has to be read from the kernel's tables
    };
    /// Reads at most `most` datagrams. Other errors than lost notifications are SystemErrors. The
    /// object may be destroyed only after the call.
    std::expected<Outcome, SystemError> receive(int most, const OnMessage& on_message);

private:
    EventSocket(FileDescriptor socket, int protocol, bool hears_all);

    FileDescriptor socket_;
    int protocol_;
    bool hears_all_;
    // Some notifications carry keys.
    Botan::secure_vector<std::uint8_t> room_;
};

} // namespace viaduct::netns
