#include "xfrm/leftovers.h"

#include "netns/netlink_socket.h"
#include "policy/child_sa.h"
#include "xfrm/attribute_view.h"
#include "xfrm/list_message.h"
#include "xfrm/policy_message.h"

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <vector>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkMessage;
using netns::SystemError;
using Octets = std::span<const std::uint8_t>;

/// Deletions that go out at once: the kernel's answers to them must fit the socket's buffer.
constexpr std::size_t batch_size = 1024;

/// With the address alone the kernel would look for the one without mark and interface.
void copy_scope(NetlinkMessage& message, const AttributeViews& attributes) {
    for (const std::uint16_t type : {XFRMA_MARK, XFRMA_IF_ID}) {
        if (const auto entry = attributes.find(type); entry != attributes.end()) {
            message.put_attribute(type, entry->second);
        }
    }
}

std::optional<NetlinkMessage> deletion_of_state(Octets body) {
    const auto info = read_fixed<xfrm_usersa_info>(body);
    if (!info || !policy::is_our_reqid(info->reqid)) {
        return std::nullopt;
    }
    NetlinkMessage message(std::format("DELSA spi 0x{:08x} reqid {}", ntohl(info->id.spi),
                                       static_cast<std::uint32_t>(info->reqid)),
                           XFRM_MSG_DELSA, NLM_F_REQUEST | NLM_F_ACK);
    xfrm_usersa_id id{};
    id.daddr = info->id.daddr;
    id.spi = info->id.spi;
    id.family = info->family;
    id.proto = info->id.proto;
    message.put_fixed(id);
    auto attributes = read_attributes(body.subspan(NLMSG_ALIGN(sizeof(*info))));
    attributes.erase(XFRMA_IF_ID); // plays no part in finding a state
    copy_scope(message, attributes);
    return message;
}

std::optional<NetlinkMessage> deletion_of_policy(Octets body) {
    const auto info = read_fixed<xfrm_userpolicy_info>(body);
    if (!info || info->dir >= XFRM_POLICY_MAX) { // a socket's own
        return std::nullopt;
    }
    const auto attributes = read_attributes(body.subspan(NLMSG_ALIGN(sizeof(*info))));
    const auto templates = attributes.find(XFRMA_TMPL);
    const auto first = templates == attributes.end()
                           ? std::nullopt
                           : read_fixed<xfrm_user_tmpl>(templates->second);
    if (first ? !policy::is_our_reqid(first->reqid) : !passes_neighbour_discovery(*info)) {
        return std::nullopt;
    }
    NetlinkMessage message(std::format("DELPOLICY index {} reqid {}",
                                       static_cast<std::uint32_t>(info->index),
                                       first ? static_cast<std::uint32_t>(first->reqid) : 0),
                           XFRM_MSG_DELPOLICY, NLM_F_REQUEST | NLM_F_ACK);
    xfrm_userpolicy_id id{};
    id.sel = info->sel;
    id.dir = info->dir;
    message.put_fixed(id);
    copy_scope(message, attributes);
    return message;
}

std::expected<std::vector<NetlinkMessage>, SystemError> deletions(netns::NetlinkSocket& socket,
                                                                  NetlinkMessage request) {
    std::vector<NetlinkMessage> result;
    return socket
        .dump(std::move(request),
              [&](Octets listed) {
                  if (auto deletion = deletion_of(listed)) {
                      result.push_back(std::move(*deletion));
                  }
              })
        .transform([&] { return std::move(result); });
}

/// How many the kernel took out. What is gone by itself meanwhile is no failure.
std::expected<std::size_t, SystemError> run(netns::NetlinkSocket& socket,
                                            std::span<NetlinkMessage> requests) {
    std::size_t removed = 0;
    while (!requests.empty()) {
        const auto batch = requests.first(std::min(requests.size(), batch_size));
        requests = requests.subspan(batch.size());
        for (const netns::NetlinkAnswer& answer : socket.exchange(batch)) {
            if (answer) {
                ++removed;
            } else if (answer.error().code != ESRCH && answer.error().code != ENOENT) {
                return std::unexpected(answer.error());
            }
        }
    }
    return removed;
}

} // namespace

std::optional<NetlinkMessage> deletion_of(Octets listed) {
    const auto head = read_fixed<nlmsghdr>(listed);
    if (!head || head->nlmsg_len > listed.size() || head->nlmsg_len < NLMSG_HDRLEN) {
        return std::nullopt;
    }
    const Octets body = listed.first(head->nlmsg_len).subspan(NLMSG_HDRLEN);
    switch (head->nlmsg_type) {
    case XFRM_MSG_NEWSA: return deletion_of_state(body);
    case XFRM_MSG_NEWPOLICY: return deletion_of_policy(body);
    default: return std::nullopt;
    }
}

std::expected<RemovedLeftovers, SystemError>
remove_leftovers(const netns::NetworkNamespace& router) {
    auto socket = netns::NetlinkSocket::open(router, NETLINK_XFRM);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    RemovedLeftovers removed;
    // Policies first: without its states one would have the kernel ask for new ones.
    auto policies = deletions(*socket, list_policies());
    if (!policies) {
        return std::unexpected(policies.error());
    }
    const auto policies_run = run(*socket, *policies);
    if (!policies_run) {
        return std::unexpected(policies_run.error());
    }
    removed.policies = *policies_run;
    auto states = deletions(*socket, list_states());
    if (!states) {
        return std::unexpected(states.error());
    }
    return run(*socket, *states).transform([&](std::size_t count) {
        removed.states = count;
        return removed;
    });
}

} // namespace viaduct::xfrm
