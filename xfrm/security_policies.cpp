#include "xfrm/security_policies.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace viaduct::xfrm {

const PolicySelector& selector_of(const PolicyChange& change) {
    const auto* const put = std::get_if<PutPolicy>(&change);
    return put != nullptr ? put->policy.selector : std::get<DeletePolicy>(change).selector;
}

std::vector<PolicyChange> SecurityPolicies::add(policy::ChildSaId child,
                                                const std::vector<KernelPolicy>& policies) {
    std::vector<PolicyChange> changes;
    for (const KernelPolicy& policy : policies) {
        std::vector<Use>& users = uses_[policy.selector];
        if (users.empty() || users.back().policy != policy) {
            changes.emplace_back(PutPolicy{policy});
        }
        users.push_back({child, policy});
        selectors_[child].push_back(policy.selector);
    }
    return changes;
}

std::vector<PolicyChange> SecurityPolicies::add_beneath(policy::ChildSaId trap,
                                                        const std::vector<KernelPolicy>& policies) {
    std::vector<PolicyChange> changes;
    for (const KernelPolicy& policy : policies) {
        std::vector<Use>& users = uses_[policy.selector];
        if (users.empty()) {
            changes.emplace_back(PutPolicy{policy});
        }
        users.insert(users.begin(), {trap, policy});
        selectors_[trap].push_back(policy.selector);
    }
    return changes;
}

void SecurityPolicies::undo_add(policy::ChildSaId child,
                                const std::vector<KernelPolicy>& policies) {
    auto& selectors = selectors_[child];
    selectors.resize(selectors.size() - policies.size());
    for (const KernelPolicy& policy : policies) {
        const auto entry = uses_.find(policy.selector);
        std::vector<Use>& users = entry->second;
        const auto use = std::ranges::find_last(users, child, &Use::child);
        users.erase(use.begin());
        if (users.empty()) {
            uses_.erase(entry);
        }
    }
    if (selectors.empty()) {
        selectors_.erase(child);
    }
}

std::vector<PolicyChange> SecurityPolicies::move(policy::ChildSaId child,
                                                 const policy::IpAddress& local,
                                                 const policy::IpAddress& remote,
                                                 std::uint32_t offload_interface) {
    std::vector<PolicyChange> changes;
    for (KernelPolicy policy : policies_of(child)) {
        set_tunnel(policy, local, remote);
        policy.offload_interface = policy.in_clear ? 0 : offload_interface;
        change(child, policy, changes);
    }
    return changes;
}

std::vector<KernelPolicy> SecurityPolicies::policies_of(policy::ChildSaId child) const {
    std::vector<KernelPolicy> policies;
    const auto selectors = selectors_.find(child);
    if (selectors != selectors_.end()) {
        for (const PolicySelector& selector : selectors->second) {
            policies.push_back(
                std::ranges::find(uses_.find(selector)->second, child, &Use::child)->policy);
        }
    }
    return policies;
}

std::vector<PolicyChange> SecurityPolicies::move_back(policy::ChildSaId child,
                                                      const std::vector<KernelPolicy>& before) {
    std::vector<PolicyChange> changes;
    for (const KernelPolicy& policy : before) {
        change(child, policy, changes);
    }
    return changes;
}

void SecurityPolicies::change(policy::ChildSaId child, const KernelPolicy& policy,
                              std::vector<PolicyChange>& changes) {
    std::vector<Use>& users = uses_.find(policy.selector)->second;
    const auto use = std::ranges::find(users, child, &Use::child);
    const bool decides = &*use == &users.back();
    if (std::exchange(use->policy, policy) != policy && decides) {
        changes.emplace_back(PutPolicy{policy});
    }
}

PolicyChange SecurityPolicies::without(policy::ChildSaId child,
                                       const PolicySelector& selector) const {
    const auto entry = uses_.find(selector);
    if (entry != uses_.end()) {
        for (const Use& use : entry->second | std::views::reverse) {
            if (use.child != child) {
                return PutPolicy{use.policy};
            }
        }
    }
    return DeletePolicy{selector};
}

std::vector<PolicyChange> SecurityPolicies::drop(policy::ChildSaId child) {
    std::vector<PolicyChange> changes;
    for (const PolicySelector& selector : std::exchange(selectors_[child], {})) {
        const auto entry = uses_.find(selector);
        std::vector<Use>& users = entry->second;
        const KernelPolicy before = users.back().policy;
        std::erase_if(users, [&](const Use& use) { return use.child == child; });
        if (users.empty()) {
            changes.emplace_back(DeletePolicy{selector});
            uses_.erase(entry);
        } else if (users.back().policy != before) {
            changes.emplace_back(PutPolicy{users.back().policy});
        }
    }
    selectors_.erase(child);
    return changes;
}

} // namespace viaduct::xfrm
