#include "xfrm/difference_review.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkAnswer;
using netns::NetlinkMessage;
using Kind = KernelDifference::Kind;

NetlinkMessage question_about(const ListedState& state) {
    NetlinkMessage request("GETSA " + state.name, XFRM_MSG_GETSA, NLM_F_REQUEST | NLM_F_ACK);
    request.put_fixed(state.id);
    return request;
}

NetlinkMessage question_about(const ListedPolicy& policy) {
    NetlinkMessage request("GETPOLICY " + policy.name, XFRM_MSG_GETPOLICY,
                           NLM_F_REQUEST | NLM_F_ACK);
    request.put_fixed(policy.id);
    if (policy.if_id != 0) {
        request.put_attribute_of(XFRMA_IF_ID, policy.if_id);
    }
    return request;
}

/// Whether an answer shows something else than what is wanted, or nothing.
template <class Listed, class Read>
bool differs(const netns::NetlinkAnswer& answer, const Listed& wanted, Read read) {
    if (!answer) {
        // An answer that did not come says nothing.
        return answer.error().code == ESRCH || answer.error().code == ENOENT;
    }
    const auto listed = read(*answer);
    return !listed || !is_same(*listed, wanted);
}

/// Nothing where no question is needed: what is left over is so as long as nobody knows it.
std::optional<NetlinkMessage> question_about(KernelRecord& record,
                                             const KernelDifference& difference) {
    switch (difference.kind) {
    case Kind::state_missing:
    case Kind::state_changed: {
        const auto state = record.states().find(difference.key);
        return state == record.states().end() ? std::nullopt
                                              : std::optional(question_about(state->second.listed));
    }
    case Kind::policy_missing:
    case Kind::policy_changed: {
        const auto policy = record.policies().find(difference.key);
        return policy == record.policies().end()
                   ? std::nullopt
                   : std::optional(question_about(policy->second.listed));
    }
    case Kind::state_left_over:
    case Kind::policy_left_over: break;
    }
    return std::nullopt;
}

bool still_differs(KernelRecord& record, const KernelDifference& difference,
                   const std::optional<NetlinkAnswer>& answer) {
    const auto state = record.states().find(difference.key);
    const auto policy = record.policies().find(difference.key);
    switch (difference.kind) {
    case Kind::state_missing:
    case Kind::state_changed:
        return answer && differs(*answer, state->second.listed,
                                 [](const auto& told) { return read_state_message(told); });
    case Kind::policy_missing:
    case Kind::policy_changed:
        return answer && differs(*answer, policy->second.listed,
                                 [](const auto& told) { return read_policy_message(told); });
    case Kind::state_left_over: return state == record.states().end();
    case Kind::policy_left_over: break;
    }
    return policy == record.policies().end();
}

} // namespace

std::string_view to_string(Kind kind) {
    switch (kind) {
    case Kind::state_missing: return "state missing";
    case Kind::state_changed: return "state changed";
    case Kind::state_left_over: return "state left over";
    case Kind::policy_missing: return "policy missing";
    case Kind::policy_changed: return "policy changed";
    case Kind::policy_left_over: break;
    }
    return "policy left over";
}

NetlinkMessage remedy_of(const KernelRecord::Policy& policy) {
    return {"UPDPOLICY " + policy.listed.name, policy.request};
}

std::optional<std::vector<KernelDifference>> DifferenceReview::next() {
    if (looked_at_ == found_.size()) {
        return std::nullopt;
    }
    const auto piece =
        std::span(found_).subspan(looked_at_, std::min(at_once, found_.size() - looked_at_));
    looked_at_ += piece.size();
    std::vector<NetlinkMessage> questions;
    std::vector<bool> asked;
    for (const KernelDifference& each : piece) {
        auto question = question_about(kernel_->record(), each);
        asked.push_back(question.has_value());
        if (question) {
            questions.push_back(std::move(*question));
        }
    }
    auto answers = kernel_->exchange(questions);
    std::vector<KernelDifference> differing;
    std::size_t answered = 0;
    for (std::size_t index = 0; index < piece.size(); ++index) {
        std::optional<NetlinkAnswer> answer;
        if (asked[index]) {
            answer = std::move(answers[answered++]);
        }
        if (!still_differs(kernel_->record(), piece[index], answer)) {
            continue;
        }
        differing.push_back(std::move(piece[index]));
        // What is wanted may have changed since it was listed.
        const auto wanted = kernel_->record().policies().find(differing.back().key);
        if (wanted != kernel_->record().policies().end()) {
            differing.back().remedy = remedy_of(wanted->second);
        }
    }
    return differing;
}

} // namespace viaduct::xfrm
