#include "xfrm/kernel_comparison.h"

#include "policy/child_sa.h"
#include "xfrm/leftovers.h"

#include <linux/netlink.h>

#include <cerrno>
#include <iterator>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkMessage;
using netns::SystemError;
using Kind = KernelDifference::Kind;
using Octets = std::span<const std::uint8_t>;

template <class Fixed> NetlinkMessage list_request(const char* description, std::uint16_t type) {
    NetlinkMessage request(description, type, NLM_F_REQUEST | NLM_F_DUMP);
    request.put_fixed(Fixed{});
    return request;
}

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

NetlinkMessage remedy_of(const KernelRecord::Policy& policy) {
    return {"UPDPOLICY " + policy.listed.name, policy.request};
}

/// Whether an answer shows something else than the print, or nothing.
template <class Read>
bool differs(const netns::NetlinkAnswer& answer, const Fingerprint& print, Read read) {
    if (!answer) {
        // An answer that did not come says nothing.
        return answer.error().code == ESRCH || answer.error().code == ENOENT;
    }
    const auto listed = read(*answer);
    return !listed || listed->print != print;
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

void ListingCheck::take(Octets message) {
    if (const auto state = read_state_message(message)) {
        take_state(*state, message);
    } else if (const auto policy = read_policy_message(message)) {
        take_policy(*policy, message);
    }
}

void ListingCheck::take_state(const ListedState& listed, Octets message) {
    auto& states = record_->states();
    const auto entry = states.find(listed.key);
    if (entry == states.end()) {
        // One without SPI holds the place of a child that packets have asked for.
        if (policy::is_our_reqid(listed.reqid) && listed.spi != 0) {
            note({Kind::state_left_over, listed.key, listed.name, deletion_of(message)});
        }
        return;
    }
    entry->second.seen = pass_;
    if (entry->second.listed.print != listed.print) {
        note({Kind::state_changed, listed.key, listed.name, std::nullopt});
    }
}

void ListingCheck::take_policy(const ListedPolicy& listed, Octets message) {
    auto& policies = record_->policies();
    const auto entry = policies.find(listed.key);
    if (entry == policies.end()) {
        if (policy::is_our_reqid(listed.reqid)) {
            note({Kind::policy_left_over, listed.key, listed.name, deletion_of(message)});
        }
        return;
    }
    entry->second.seen = pass_;
    if (entry->second.listed.print != listed.print) {
        note({Kind::policy_changed, listed.key, listed.name, remedy_of(entry->second)});
    }
}

std::vector<KernelDifference> ListingCheck::finish() {
    for (const auto& [key, state] : record_->states()) {
        if (state.seen != pass_) {
            note({Kind::state_missing, key, state.listed.name, std::nullopt});
        }
    }
    for (const auto& [key, policy] : record_->policies()) {
        if (policy.seen != pass_) {
            note({Kind::policy_missing, key, policy.listed.name, remedy_of(policy)});
        }
    }
    return std::move(found_);
}

void ListingCheck::note(KernelDifference difference) {
    if (found_.size() < KernelComparison::most_differences) {
        found_.push_back(std::move(difference));
    }
}

std::expected<KernelComparison, SystemError>
KernelComparison::begin(const netns::NetworkNamespace& router, RecordedKernel& kernel,
                        std::uint64_t pass) {
    auto socket = netns::NetlinkSocket::open(router, NETLINK_XFRM);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    const auto begun =
        socket->begin_list(list_request<xfrm_userpolicy_id>("GETPOLICY", XFRM_MSG_GETPOLICY));
    if (!begun) {
        return std::unexpected(begun.error());
    }
    return KernelComparison(std::move(*socket), kernel, pass);
}

std::expected<bool, SystemError> KernelComparison::advance() {
    const auto complete = socket_.continue_list([&](Octets message) { check_.take(message); });
    if (!complete || !*complete || policies_listed_) {
        return complete;
    }
    policies_listed_ = true;
    return socket_.begin_list(list_request<xfrm_usersa_id>("GETSA", XFRM_MSG_GETSA)).transform([] {
        return false;
    });
}

std::vector<KernelDifference> KernelComparison::differences() {
    auto found = check_.finish();
    std::erase_if(found, [&](const KernelDifference& each) { return !still_differs(each); });
    return found;
}

bool KernelComparison::still_differs(const KernelDifference& difference) {
    auto& record = kernel_->record();
    const auto ask = [&](NetlinkMessage question) {
        return kernel_->exchange({&question, 1}).front();
    };
    const auto state = record.states().find(difference.key);
    const auto policy = record.policies().find(difference.key);
    switch (difference.kind) {
    case Kind::state_missing:
    case Kind::state_changed:
        return state != record.states().end() &&
               differs(ask(question_about(state->second.listed)), state->second.listed.print,
                       [](const auto& answer) { return read_state_message(answer); });
    case Kind::policy_missing:
    case Kind::policy_changed:
        return policy != record.policies().end() &&
               differs(ask(question_about(policy->second.listed)), policy->second.listed.print,
                       [](const auto& answer) { return read_policy_message(answer); });
    case Kind::state_left_over: return state == record.states().end();
    case Kind::policy_left_over: break;
    }
    return policy == record.policies().end();
}

} // namespace viaduct::xfrm
