#include "xfrm/larval_state.h"

#include "xfrm/attribute_view.h"
#include "xfrm/kernel_address.h"
#include "xfrm/state_flow.h"
#include "xfrm/state_message.h"

namespace viaduct::xfrm {

std::vector<netns::NetlinkMessage> end_larval_state(const policy::ChildSa& trap) {
    constexpr std::uint32_t unused_spi = 1;
    policy::ChildSa named = trap;
    named.outbound_spi = policy::ChildSpi{unused_spi};
    xfrm_userspi_info wanted{};
    wanted.info.id.daddr = kernel_address(trap.remote_address);
    wanted.info.id.proto = IPPROTO_ESP;
    wanted.info.saddr = kernel_address(trap.local_address);
    wanted.info.family = kernel_family(trap.local_address.family());
    wanted.info.reqid = trap.reqid;
    wanted.info.mode =
        trap.mode == policy::EspMode::transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
    wanted.min = wanted.max = unused_spi;
    netns::NetlinkMessage message(request_name("ALLOCSPI", named, Direction::outbound),
                                  XFRM_MSG_ALLOCSPI, NLM_F_REQUEST | NLM_F_ACK);
    message.put_fixed(wanted);
    if (trap.if_id != 0) {
        message.put_attribute_of(XFRMA_IF_ID, trap.if_id);
    }
    std::vector<netns::NetlinkMessage> messages;
    messages.push_back(std::move(message));
    messages.push_back(delete_state(named, Direction::outbound));
    return messages;
}

bool had_waited(std::span<const std::uint8_t> answer) {
    const auto head = read_fixed<nlmsghdr>(answer);
    if (!head || head->nlmsg_type != XFRM_MSG_NEWSA) {
        return false;
    }
    const auto info = read_fixed<xfrm_usersa_info>(answer.subspan(NLMSG_HDRLEN));
    return info && info->seq != 0;
}

void end_larval_states(RecordedKernel& kernel, const policy::ChildSa& trap) {
    // One for each processor would do; traffic to another policy of the trap may make more
    // meanwhile.
    constexpr unsigned most = 256;
    for (unsigned ended = 0; ended < most; ++ended) {
        auto requests = end_larval_state(trap);
        const auto answers = kernel.exchange(requests);
        if (!answers[0] || !answers[1] || !had_waited(*answers[0])) {
            return;
        }
    }
}

} // namespace viaduct::xfrm
