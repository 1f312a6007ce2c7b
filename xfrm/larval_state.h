// The state that the kernel makes for packets that wait at a policy.
#pragma once

#include "netns/netlink_message.h"
#include "policy/child_sa.h"
#include "xfrm/kernel_record.h"

#include <cstdint>
#include <span>
#include <vector>

namespace viaduct::xfrm {

/// When a packet meets a policy that has no state, the kernel makes one without SPI and asks for a
/// real one; it does not ask again while that is there (30 seconds; net.core.xfrm_acq_expires).
/// ALLOCSPI and DELSA, which take it away: it is found by the policy's template, gets an SPI that
/// RFC 4303 section 2.1 keeps from use, and is deleted by that. Where none is, one is made and
/// deleted.
std::vector<netns::NetlinkMessage> end_larval_state(const policy::ChildSa& trap);

/// What ALLOCSPI answered: whether the state was one that waited. It has the number of the question
/// that the kernel asked for it; one that ALLOCSPI made has none.
bool had_waited(std::span<const std::uint8_t> answer);

/// Takes away all that wait at this trap. Packets that meet it on several processors at once leave
/// one each. Nothing is known of failures: the kernel gives the states up by itself in the end.
void end_larval_states(RecordedKernel& kernel, const policy::ChildSa& trap);

} // namespace viaduct::xfrm
