#include "xfrm/kernel_comparison.h"

#include "policy/child_sa.h"
#include "xfrm/leftovers.h"
#include "xfrm/list_message.h"

#include <linux/netlink.h>

#include <iterator>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkMessage;
using netns::SystemError;
using Kind = KernelDifference::Kind;
using Octets = std::span<const std::uint8_t>;

} // namespace

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
            note(
                {Kind::state_left_over, listed.key, listed.spi, listed.name, deletion_of(message)});
        }
        return;
    }
    entry->second.seen = pass_;
    if (!is_same(listed, entry->second.listed)) {
        note({Kind::state_changed, listed.key, listed.spi, listed.name, std::nullopt});
    }
}

void ListingCheck::take_policy(const ListedPolicy& listed, Octets message) {
    auto& policies = record_->policies();
    const auto entry = policies.find(listed.key);
    if (entry == policies.end()) {
        if (listed.ours) {
            note({Kind::policy_left_over, listed.key, 0, listed.name, deletion_of(message)});
        }
        return;
    }
    entry->second.seen = pass_;
    if (!is_same(listed, entry->second.listed)) {
        note({Kind::policy_changed, listed.key, 0, listed.name, remedy_of(entry->second)});
    }
}

std::vector<KernelDifference> ListingCheck::finish() {
    for (const auto& [key, state] : record_->states()) {
        if (state.seen != pass_) {
            note({Kind::state_missing, key, state.listed.spi, state.listed.name, std::nullopt});
        }
    }
    for (const auto& [key, policy] : record_->policies()) {
        if (policy.seen != pass_) {
            note({Kind::policy_missing, key, 0, policy.listed.name, remedy_of(policy)});
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
    if (const auto begun = socket->begin_list(list_policies()); !begun) {
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
    return socket_.begin_list(list_states()).transform([] { return false; });
}

std::optional<std::vector<KernelDifference>> KernelComparison::next_differences() {
    if (!review_) {
        review_.emplace(*kernel_, check_.finish());
    }
    return review_->next();
}

} // namespace viaduct::xfrm
