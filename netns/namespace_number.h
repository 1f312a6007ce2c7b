// The numbers by which the kernel names other network namespaces in its notifications.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"

#include <cstdint>
#include <expected>

namespace viaduct::netns {

/// A namespace as seen from the process's own (nsid in the kernel's words). It lasts as long as the
/// namespace does and does not keep it alive.
using NamespaceNumber = std::int32_t;
/// The process's own namespace, which needs no number.
inline constexpr NamespaceNumber own_namespace = -1;

/// Gives numbers to namespaces, in the namespace in which it was opened (RTM_NEWNSID of
/// linux/net_namespace.h; needs CAP_NET_ADMIN). A namespace that has one already keeps it.
class NamespaceNumbers {
public:
    static std::expected<NamespaceNumbers, SystemError> open();

    /// Numbers that are given here are not given twice, so that a late notification of a dead
    /// namespace is not taken for one of its successor. Those that others gave may come back.
    std::expected<NamespaceNumber, SystemError> number_of(const NetworkNamespace& place);

private:
    NamespaceNumbers(NetlinkSocket socket, NetworkNamespace::Identity own, NamespaceNumber next)
        : socket_(std::move(socket)), own_(own), next_(next) {}

    std::expected<NamespaceNumber, SystemError> known_number(const NetworkNamespace& place);
    std::expected<void, SystemError> give_number(const NetworkNamespace& place,
                                                 NamespaceNumber number);

    NetlinkSocket socket_;
    NetworkNamespace::Identity own_;
    NamespaceNumber next_;
};

} // namespace viaduct::netns
