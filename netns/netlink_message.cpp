#include "netns/netlink_message.h"

#include <libmnl/libmnl.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace viaduct::netns {
namespace {

/// Messages and attributes begin at multiples of 4 (RFC 3549 section 2.2).
constexpr std::size_t aligned(std::size_t size) {
    return (size + 3) / 4 * 4;
}

} // namespace

NetlinkMessage::NetlinkMessage(std::string description, std::uint16_t type, std::uint16_t flags)
    : description_(std::move(description)), octets_(aligned(sizeof(nlmsghdr))) {
    nlmsghdr* const head = mnl_nlmsg_put_header(octets_.data());
    head->nlmsg_type = type;
    head->nlmsg_flags = flags;
}

NetlinkMessage::NetlinkMessage(std::string description, std::span<const std::uint8_t> octets)
    : description_(std::move(description)), octets_(octets.begin(), octets.end()) {
    octets_.resize(aligned(octets_.size()));
}

void NetlinkMessage::put_attribute(std::uint16_t type, std::span<const std::uint8_t> value) {
    // libmnl writes behind the message's end; the room has to be there first.
    octets_.resize(octets_.size() + aligned(sizeof(nlattr) + value.size()));
    mnl_attr_put(header(), type, value.size(), value.data());
}

void NetlinkMessage::set_sequence(std::uint32_t sequence) {
    header()->nlmsg_seq = sequence;
}

std::uint16_t NetlinkMessage::flags() const {
    nlmsghdr head{};
    std::memcpy(&head, octets_.data(), sizeof(head));
    return head.nlmsg_flags;
}

nlmsghdr* NetlinkMessage::header() {
    return reinterpret_cast<nlmsghdr*>(octets_.data());
}

void NetlinkMessage::append(std::span<const std::uint8_t> octets) {
    octets_.resize(octets_.size() + aligned(octets.size()));
    void* const room = mnl_nlmsg_put_extra_header(header(), octets.size());
    std::ranges::copy(octets, static_cast<std::uint8_t*>(room));
}

} // namespace viaduct::netns
