#include "netns/netlink_socket.h"

#include "netns/receive_buffer.h"

#include <libmnl/libmnl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace viaduct::netns {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{2};
/// Room for some thousand acknowledgements, each of which the kernel charges with about 800 octets.
constexpr int acknowledgement_room = 4 << 20;
/// An answer longer than this is none that we ask for.
constexpr std::size_t longest_answer = 32768;

/// The kernel's own words in an acknowledgement, or nothing.
std::string extended_message(const nlmsghdr* head) {
    std::string words;
    if ((head->nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
        return words;
    }
    const auto* const error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(head));
    std::size_t offset = sizeof(nlmsgerr);
    if ((head->nlmsg_flags & NLM_F_CAPPED) == 0) {
        // The whole request lies between.
        offset += (error->msg.nlmsg_len + 3) / 4 * 4 - sizeof(nlmsghdr);
    }
    if (offset > mnl_nlmsg_get_payload_len(head)) {
        return words;
    }
    mnl_attr_parse(
        head, static_cast<unsigned>(offset),
        [](const nlattr* attribute, void* data) {
            const std::size_t length = mnl_attr_get_payload_len(attribute);
            if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG && length > 0) {
                const char* const text = mnl_attr_get_str(attribute);
                static_cast<std::string*>(data)->assign(text, ::strnlen(text, length));
            }
            return MNL_CB_OK;
        },
        &words);
    return words;
}

} // namespace

/// Which request is still without its answer.
class NetlinkSocket::Conversation {
public:
    Conversation(std::span<NetlinkMessage> requests, std::uint32_t first_sequence)
        : requests_(requests),
          first_(first_sequence),
          answers_(requests.size()),
          done_(requests.size(), false) {
        for (std::size_t index = 0; index < requests.size(); ++index) {
            requests[index].set_sequence(first_ + static_cast<std::uint32_t>(index));
            done_[index] = (requests[index].flags() & NLM_F_ACK) == 0;
        }
    }

    bool complete() const {
        return std::ranges::all_of(done_, [](bool done) { return done; });
    }

    /// Sorts one received message to its request.
    void take(const nlmsghdr* head) {
        const std::size_t index = head->nlmsg_seq - first_;
        if (index >= requests_.size()) {
            return; // the late answer to something given up
        }
        if (head->nlmsg_type != NLMSG_ERROR) {
            const auto* const begin = reinterpret_cast<const std::uint8_t*>(head);
            answers_[index] = Botan::secure_vector<std::uint8_t>(begin, begin + head->nlmsg_len);
            return;
        }
        if (mnl_nlmsg_get_payload_len(head) < sizeof(nlmsgerr)) {
            return;
        }
        const int code = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(head))->error;
        if (code != 0) {
            answers_[index] = std::unexpected(
                SystemError{code, requests_[index].description(), extended_message(head)});
        }
        done_[index] = true;
    }

    /// Whatever has no answer yet gets this one.
    void give_up(int code, const char* why) {
        for (std::size_t index = 0; index < requests_.size(); ++index) {
            if (!done_[index]) {
                answers_[index] =
                    std::unexpected(SystemError{code, requests_[index].description(), why});
                done_[index] = true;
            }
        }
    }

    std::vector<NetlinkAnswer> take_answers() { return std::move(answers_); }

private:
    std::span<NetlinkMessage> requests_;
    std::uint32_t first_;
    std::vector<NetlinkAnswer> answers_;
    std::vector<bool> done_;
};

/// How far the answer to a dump has come.
class NetlinkSocket::Listing {
public:
    Listing(const NetlinkMessage& request, std::uint32_t sequence,
            const std::function<void(std::span<const std::uint8_t>)>& each)
        : request_(request), sequence_(sequence), each_(each) {}

    bool complete() const { return complete_; }
    const std::expected<void, SystemError>& result() const { return result_; }

    void take(const nlmsghdr* head) {
        if (head->nlmsg_seq != sequence_ || complete_) {
            return; // the late answer to something given up
        }
        if (head->nlmsg_type != NLMSG_ERROR && head->nlmsg_type != NLMSG_DONE) {
            each_({reinterpret_cast<const std::uint8_t*>(head), head->nlmsg_len});
            return;
        }
        // Both begin with a negative error number.
        int code = 0;
        if (mnl_nlmsg_get_payload_len(head) >= sizeof(code)) {
            std::memcpy(&code, mnl_nlmsg_get_payload(head), sizeof(code));
        }
        if (code != 0) {
            return give_up(-code, "");
        }
        complete_ = true;
    }

    void give_up(int code, const char* why) {
        result_ = std::unexpected(SystemError{code, request_.description(), why});
        complete_ = true;
    }

private:
    const NetlinkMessage& request_;
    std::uint32_t sequence_;
    const std::function<void(std::span<const std::uint8_t>)>& each_;
    bool complete_ = false;
    std::expected<void, SystemError> result_;
};

std::expected<NetlinkSocket, SystemError> NetlinkSocket::open(const NetworkNamespace& router,
                                                              int protocol) {
    FileDescriptor socket;
    int code = 0;
    const auto entered = router.inside([&] {
        socket = FileDescriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
        code = errno;
    });
    if (!entered) {
        return std::unexpected(entered.error());
    }
    if (!socket.is_open()) {
        return std::unexpected(
            SystemError{code, "netlink socket of protocol " + std::to_string(protocol), {}});
    }
    const int number = socket.number();
    set_receive_buffer(number, acknowledgement_room);
    // Both only add to what an error says; an old kernel does without.
    constexpr int yes = 1;
    ::setsockopt(number, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
    ::setsockopt(number, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
    return NetlinkSocket(std::move(socket));
}

std::uint32_t NetlinkSocket::port() const {
    sockaddr_nl address{};
    socklen_t length = sizeof(address);
    const bool known =
        ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &length) == 0;
    return known ? address.nl_pid : 0;
}

void NetlinkSocket::insist_on_filters() {
    constexpr int yes = 1;
    ::setsockopt(socket_.number(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &yes, sizeof(yes));
}

std::vector<NetlinkAnswer> NetlinkSocket::exchange(std::span<NetlinkMessage> requests) {
    Conversation conversation(requests, next_sequence_);
    next_sequence_ += static_cast<std::uint32_t>(requests.size());
    if (requests.empty()) {
        return {};
    }
    if (const auto sent = send(requests); !sent) {
        return std::vector<NetlinkAnswer>(requests.size(), std::unexpected(sent.error()));
    }
    receive(conversation);
    return conversation.take_answers();
}

std::expected<void, SystemError>
NetlinkSocket::dump(NetlinkMessage request,
                    const std::function<void(std::span<const std::uint8_t>)>& each) {
    request.set_sequence(next_sequence_);
    Listing listing(request, next_sequence_++, each);
    if (const auto sent = send({&request, 1}); !sent) {
        return sent;
    }
    receive(listing);
    return listing.result();
}

std::expected<void, SystemError> NetlinkSocket::begin_list(NetlinkMessage request) {
    listed_ = request.description();
    listed_sequence_ = next_sequence_++;
    request.set_sequence(listed_sequence_);
    return send({&request, 1});
}

std::expected<bool, SystemError>
NetlinkSocket::continue_list(const std::function<void(std::span<const std::uint8_t>)>& each) {
    Botan::secure_vector<std::uint8_t> room(longest_answer);
    const ssize_t length = ::recv(socket_.number(), room.data(), room.size(), MSG_DONTWAIT);
    if (length < 0) {
        return std::unexpected(SystemError{errno, listed_, {}});
    }
    const NetlinkMessage request(listed_, 0, 0);
    Listing listing(request, listed_sequence_, each);
    int left = static_cast<int>(length);
    const auto* head = reinterpret_cast<const nlmsghdr*>(room.data());
    for (; mnl_nlmsg_ok(head, left); head = mnl_nlmsg_next(head, &left)) {
        listing.take(head);
    }
    return listing.result().transform([&] { return listing.complete(); });
}

std::expected<void, SystemError> NetlinkSocket::send(std::span<const NetlinkMessage> requests) {
    std::size_t size = 0;
    for (const NetlinkMessage& request : requests) {
        size += request.octets().size();
    }
    Botan::secure_vector<std::uint8_t> batch;
    batch.reserve(size);
    for (const NetlinkMessage& request : requests) {
        batch.insert(batch.end(), request.octets().begin(), request.octets().end());
    }
    reserve_send_buffer(size);
    while (::send(socket_.number(), batch.data(), batch.size(), 0) < 0) {
        if (errno != EINTR) {
            return std::unexpected(
                SystemError{errno,
                            "send " + std::to_string(requests.size()) +
                                " netlink requests, first: " + requests.front().description(),
                            {}});
        }
    }
    return {};
}

template <class Receiver> void NetlinkSocket::receive(Receiver& conversation) {
    Botan::secure_vector<std::uint8_t> room(longest_answer);
    const auto end = Clock::now() + patience;
    bool lost = false;
    // Also when all are answered: a transaction's last error has the number of its first message.
    while (true) {
        const ssize_t length = ::recv(socket_.number(), room.data(), room.size(), MSG_DONTWAIT);
        if (length >= 0) {
            int left = static_cast<int>(length);
            const auto* head = reinterpret_cast<const nlmsghdr*>(room.data());
            for (; mnl_nlmsg_ok(head, left); head = mnl_nlmsg_next(head, &left)) {
                conversation.take(head);
            }
        } else if (errno == EAGAIN) {
            if (conversation.complete()) {
                return;
            }
            if (lost) {
                return conversation.give_up(ENOBUFS, "the answer was lost");
            }
            const auto wait =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
            if (wait.count() <= 0) {
                return conversation.give_up(ETIMEDOUT, "the kernel did not answer");
            }
            pollfd readable{socket_.number(), POLLIN, 0};
            ::poll(&readable, 1, static_cast<int>(wait.count()));
        } else if (errno == ENOBUFS) {
            lost = true; // what is queued already still arrives
        } else if (errno != EINTR) {
            return conversation.give_up(errno, "receiving the answer failed");
        }
    }
}

void NetlinkSocket::reserve_send_buffer(std::size_t octets) {
    // The kernel doubles the value; a batch must fit as a whole.
    const int size = static_cast<int>(octets + 65536);
    if (::setsockopt(socket_.number(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
}

} // namespace viaduct::netns
