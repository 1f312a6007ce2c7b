// What brings an on-demand connection up: the child SAs that its packets may ask for.
#pragma once

#include "policy/child_sa.h"
#include "policy/child_selectors.h"
#include "policy/connection.h"

#include <cstdint>
#include <string>
#include <vector>

namespace viaduct::policy {

/// A child SA that an on-demand connection is to have once there is traffic for it.
struct Trap {
    /// The connection's name.
    std::string connection;
    ChildSelectors selectors;

    friend bool operator==(const Trap&, const Trap&) = default;
};

/// Of every connection with start = on_demand, in their order: one for all its selectors, or one
/// for each pair of one family, as its child SAs are.
std::vector<Trap> traps(const ConnectionSet& connections);

/// Marks the reqids of traps among ours, so that no child SA has one: a trap has no states, and
/// what is caught in it must not leave through a child whose selectors were narrowed.
constexpr std::uint32_t trap_reqid_bit = 0x00800000;
constexpr std::uint32_t trap_number_mask = trap_reqid_bit - 1;
constexpr bool is_trap_reqid(std::uint32_t reqid) {
    return is_our_reqid(reqid) && (reqid & trap_reqid_bit) != 0;
}

} // namespace viaduct::policy
