// A netlink socket for requests in a router's namespace. It subscribes to nothing.
#pragma once

#include "netns/file_descriptor.h"
#include "netns/netlink_message.h"
#include "netns/network_namespace.h"

#include <botan/secmem.h>

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace viaduct::netns {

/// What the kernel said to one request: the answering message, header included, or nothing but its
/// acknowledgement, or why not.
using NetlinkAnswer = std::expected<Botan::secure_vector<std::uint8_t>, SystemError>;

/// Where requests go: a socket, and in tests a kernel of their own.
class NetlinkExchange {
public:
    virtual ~NetlinkExchange() = default;

    /// Sends the requests with one system call, in order, and collects the answers: one for each
    /// request, in its place. Every request that asks for it (NLM_F_ACK) is waited for, two seconds
    /// at most. The kernel handles each by itself; one that fails does not stop those behind it.
    virtual std::vector<NetlinkAnswer> exchange(std::span<NetlinkMessage> requests) = 0;

    /// Sends a request for a list (NLM_F_DUMP) and shows every message of the answer, header
    /// included, to `each`. The octets live in secure memory and only as long as the call.
    virtual std::expected<void, SystemError>
    dump(NetlinkMessage request,
         const std::function<void(std::span<const std::uint8_t>)>& each) = 0;

    /// By which the kernel tells who changed something; 0 before the first request.
    virtual std::uint32_t port() const = 0;
};

class NetlinkSocket final : public NetlinkExchange {
public:
    /// `protocol`: NETLINK_XFRM, NETLINK_NETFILTER.
    static std::expected<NetlinkSocket, SystemError> open(const NetworkNamespace& router,
                                                          int protocol);

    std::vector<NetlinkAnswer> exchange(std::span<NetlinkMessage> requests) override;

    /// From now on lists hold what they were asked for alone, where the kernel can do that (Linux
    /// 4.20).
    void insist_on_filters();
    std::expected<void, SystemError>
    dump(NetlinkMessage request,
         const std::function<void(std::span<const std::uint8_t>)>& each) override;
    std::uint32_t port() const override;

    /// Sends a request for a list whose answer is taken piece by piece, so that a long one holds
    /// nobody up. Nothing else goes over the socket until the list is complete.
    std::expected<void, SystemError> begin_list(NetlinkMessage request);
    /// Shows the messages of the next piece (at most 32 KiB) to `each`, without waiting. True when
    /// the list is complete; EAGAIN when the kernel has not answered.
    std::expected<bool, SystemError>
    continue_list(const std::function<void(std::span<const std::uint8_t>)>& each);

private:
    class Conversation;
    class Listing;
    explicit NetlinkSocket(FileDescriptor socket) : socket_(std::move(socket)) {}

    std::expected<void, SystemError> send(std::span<const NetlinkMessage> requests);
    template <class Receiver> void receive(Receiver& conversation);
    void reserve_send_buffer(std::size_t octets);

    FileDescriptor socket_;
    std::uint32_t next_sequence_ = 1;
    /// What begin_list() asked for.
    std::string listed_;
    std::uint32_t listed_sequence_ = 0;
};

} // namespace viaduct::netns
