// Which child uses which policy. Children of one connection share policies while one replaces
// another; the kernel holds each policy once.
#pragma once

#include "xfrm/kernel_policy.h"

#include <map>
#include <variant>
#include <vector>

namespace viaduct::xfrm {

/// What the kernel has to be told.
struct PutPolicy {
    KernelPolicy policy;
    friend bool operator==(const PutPolicy&, const PutPolicy&) = default;
};
struct DeletePolicy {
    PolicySelector selector;
    friend bool operator==(const DeletePolicy&, const DeletePolicy&) = default;
};
using PolicyChange = std::variant<PutPolicy, DeletePolicy>;

/// The selector that a change is about.
const PolicySelector& selector_of(const PolicyChange& change);

class SecurityPolicies {
public:
    /// The child uses these from now on too, one for each selector. Of several users of a selector
    /// the newest decides what happens to its packets.
    std::vector<PolicyChange> add(policy::ChildSaId child,
                                  const std::vector<KernelPolicy>& policies);
    /// As add(), but whoever uses a selector already, or will, decides: what a trap does happens
    /// when no child is there.
    std::vector<PolicyChange> add_beneath(policy::ChildSaId trap,
                                          const std::vector<KernelPolicy>& policies);
    /// As if these had not been added last; the kernel is as it was before.
    void undo_add(policy::ChildSaId child, const std::vector<KernelPolicy>& policies);
    /// The child's packets travel between these addresses from now on, through this interface's
    /// hardware (0: none).
    std::vector<PolicyChange> move(policy::ChildSaId child, const policy::IpAddress& local,
                                   const policy::IpAddress& remote,
                                   std::uint32_t offload_interface);
    /// What the child's packets do, in the order that move_back() takes.
    std::vector<KernelPolicy> policies_of(policy::ChildSaId child) const;
    /// Undoes move().
    std::vector<PolicyChange> move_back(policy::ChildSaId child,
                                        const std::vector<KernelPolicy>& before);
    /// What would stand in the kernel for a selector if the child did not use it.
    PolicyChange without(policy::ChildSaId child, const PolicySelector& selector) const;
    /// The child uses none any more; undoes every add() of it.
    std::vector<PolicyChange> drop(policy::ChildSaId child);

private:
    struct Use {
        policy::ChildSaId child;
        KernelPolicy policy;
    };
    /// The child's own for a selector is `policy` from now on.
    void change(policy::ChildSaId child, const KernelPolicy& policy,
                std::vector<PolicyChange>& changes);

    std::map<PolicySelector, std::vector<Use>> uses_;
    std::map<policy::ChildSaId, std::vector<PolicySelector>> selectors_;
};

} // namespace viaduct::xfrm
