#include "netns/namespace_number.h"

#include "netns/namespace_message.h"

#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <random>
#include <utility>

namespace viaduct::netns {
namespace {

/// How many numbers are tried: each may have been given by an earlier daemon.
constexpr int attempts = 64;

} // namespace

std::expected<NamespaceNumbers, SystemError> NamespaceNumbers::open() {
    auto here = NetworkNamespace::open("");
    if (!here) {
        return std::unexpected(here.error());
    }
    auto socket = NetlinkSocket::open(*here, NETLINK_ROUTE);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    // Far from the numbers that the kernel gives by itself, and from those of an earlier daemon.
    const auto first = (std::random_device{}() & 0x3fffffffU) | 0x100000U;
    return NamespaceNumbers(std::move(*socket), here->identity(),
                            static_cast<NamespaceNumber>(first));
}

std::expected<NamespaceNumber, SystemError>
NamespaceNumbers::number_of(const NetworkNamespace& place) {
    if (place.identity() == own_) {
        return own_namespace;
    }
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto known = known_number(place);
        if (!known || *known != NETNSA_NSID_NOT_ASSIGNED) {
            return known;
        }
        // EEXIST: the number is another's, or the namespace has just got one.
        if (const auto given = give_number(place, next_++);
            !given && given.error().code != EEXIST) {
            return std::unexpected(given.error());
        }
    }
    return std::unexpected(SystemError{EEXIST, "NEWNSID", "every number that was tried is in use"});
}

std::expected<NamespaceNumber, SystemError>
NamespaceNumbers::known_number(const NetworkNamespace& place) {
    auto message = ask_for_number(place.descriptor());
    const auto answer = std::move(socket_.exchange({&message, 1}).front());
    if (!answer) {
        return std::unexpected(answer.error());
    }
    NamespaceNumber number = NETNSA_NSID_NOT_ASSIGNED;
    if (answer->size() >= sizeof(nlmsghdr)) {
        mnl_attr_parse(
            reinterpret_cast<const nlmsghdr*>(answer->data()), sizeof(rtgenmsg),
            [](const nlattr* attribute, void* found) {
                if (mnl_attr_get_type(attribute) == NETNSA_NSID &&
                    mnl_attr_validate(attribute, MNL_TYPE_U32) == 0) {
                    *static_cast<NamespaceNumber*>(found) =
                        static_cast<NamespaceNumber>(mnl_attr_get_u32(attribute));
                }
                return MNL_CB_OK;
            },
            &number);
    }
    return number;
}

std::expected<void, SystemError> NamespaceNumbers::give_number(const NetworkNamespace& place,
                                                               NamespaceNumber number) {
    auto message = netns::give_number(place.descriptor(), number);
    return std::move(socket_.exchange({&message, 1}).front()).transform([](const auto&) {});
}

} // namespace viaduct::netns
