// Kernel notifications from all routers' namespaces, handed to whom they concern.
#pragma once

#include "daemon/log_writer.h"
#include "netns/event_socket.h"

#include <boost/asio/io_context.hpp>

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace viaduct::daemon {

/// One netlink socket per protocol for all namespaces. Reads a bounded number of notifications in
/// each turn of the loop.
class NamespaceEvents {
public:
    /// Notifications are hints: when one comes late, it may be a dead namespace's. What matters is
    /// read from the kernel's tables.
    struct Listener {
        /// One netlink message, header included; lives as long as the call.
        std::function<void(std::span<const std::uint8_t>)> on_message;
        /// Some notifications of the protocol were lost; nobody knows whose.
        std::function<void()> on_lost;
    };
    /// The listener is told for as long as somebody holds this; it may be given up from within the
    /// listener's own functions. Not after the NamespaceEvents.
    using Subscription = std::shared_ptr<const Listener>;

    NamespaceEvents(boost::asio::io_context& loop, LogWriter& log);
    NamespaceEvents(const NamespaceEvents&) = delete;
    NamespaceEvents& operator=(const NamespaceEvents&) = delete;
    ~NamespaceEvents();

    /// Opens the protocol's socket, see EventSocket::open. To be called before the privileges are
    /// dropped; at most once for each protocol.
    std::expected<void, netns::SystemError> listen(int protocol, std::vector<unsigned> groups);

    /// To what happens in `place` from now on. Fails when the protocol cannot be heard there. Does
    /// not keep the namespace alive.
    std::expected<Subscription, netns::SystemError> subscribe(const netns::NetworkNamespace& place,
                                                              int protocol, Listener listener);

private:
    struct Source;
    /// Protocol and namespace.
    using Key = std::pair<int, netns::NamespaceNumber>;
    using Entries = std::multimap<Key, std::weak_ptr<const Listener>>;
    using Range = std::pair<Entries::iterator, Entries::iterator>;

    void wait(Source& source);
    void take_turn(Source& source);
    static void deliver(Range range, const std::function<void(const Listener&)>& tell);

    boost::asio::io_context& loop_;
    LogWriter& log_;
    std::optional<netns::NamespaceNumbers> numbers_;
    std::map<int, std::unique_ptr<Source>> sources_;
    Entries listeners_;
};

} // namespace viaduct::daemon
