// Which traps a router has, and for what each stands. A pure value.
#pragma once

#include "policy/child_sa.h"
#include "policy/trap.h"

#include <cstdint>
#include <map>
#include <vector>

namespace viaduct::xfrm {

/// What the policies of a trap are made of: a child SA without states, with a reqid that no state
/// has. A peer that is known by name alone has the unspecified address.
policy::ChildSa trapping_child(const policy::Trap& trap, const policy::Connection& connection);

/// The names of traps among those of child SAs, which count from 0.
constexpr std::uint64_t trap_id_bit = std::uint64_t{1} << 63;

class TrapTable {
public:
    struct Changes {
        /// In the order of the configuration, with ids and reqids.
        std::vector<policy::ChildSa> added;
        std::vector<policy::ChildSaId> removed;
    };
    /// From now on the traps are those of these connections. One that was there before, equal in
    /// everything, stays as it is.
    Changes replace(const policy::ConnectionSet& connections);
    /// It could not be installed; the next replace() brings it again.
    void forget(policy::ChildSaId trap);
    /// Null when no trap has the reqid.
    const policy::Trap* find(std::uint32_t reqid) const;
    bool empty() const { return entries_.empty(); }

private:
    struct Entry {
        policy::Trap trap;
        policy::ChildSa child;
    };
    std::uint32_t draw_number();

    /// By the number in reqid and id.
    std::map<std::uint32_t, Entry> entries_;
    std::uint32_t last_number_ = 0;
};

} // namespace viaduct::xfrm
