#include "xfrm/kernel_record.h"

#include "xfrm/reversible_batch.h"

namespace viaduct::xfrm {

void KernelRecord::on_answer(const netns::NetlinkMessage& request,
                             const netns::NetlinkAnswer& answer) {
    const auto octets = request.octets();
    if (answer) {
        if (auto state = read_state_message(octets)) {
            const auto key = state->key;
            states_.insert_or_assign(key, State{std::move(*state)});
        } else if (auto policy = read_policy_message(octets)) {
            const auto key = policy->key;
            policies_.insert_or_assign(key,
                                       Policy{std::move(*policy), {octets.begin(), octets.end()}});
        }
    }
    if (answer || is_gone(answer.error())) {
        forget(request);
    }
}

void KernelRecord::forget(const netns::NetlinkMessage& removal) {
    const auto octets = removal.octets();
    const auto* const head = reinterpret_cast<const nlmsghdr*>(octets.data());
    if (head->nlmsg_type == XFRM_MSG_DELSA) {
        if (const auto state = state_named_in(octets)) {
            states_.erase(*state);
        }
    } else if (head->nlmsg_type == XFRM_MSG_DELPOLICY) {
        if (const auto policy = policy_named_in(octets)) {
            policies_.erase(*policy);
        }
    }
}

std::vector<netns::NetlinkAnswer>
RecordedKernel::exchange(std::span<netns::NetlinkMessage> requests) {
    auto answers = kernel_->exchange(requests);
    for (std::size_t index = 0; index < answers.size(); ++index) {
        record_.on_answer(requests[index], answers[index]);
    }
    return answers;
}

} // namespace viaduct::xfrm
