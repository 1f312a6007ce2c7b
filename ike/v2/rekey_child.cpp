#include "ike/v2/rekey_child.h"

#include "ike/v2/child_negotiation.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/exchange_order.h"
#include "ike/v2/timers.h"
#include "ike/v2/wanted_children.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using purpose::CreateChild;
using wire::NotifyType;

auto find(std::vector<ChildState>& children, policy::ChildSaId id) {
    return std::ranges::find(children, id, &ChildState::id);
}

bool succession_on_its_way(const Established& sa, policy::ChildSaId child) {
    const bool asked = is_asked(sa, [&](const RequestPurpose& purpose) {
        const auto* create = std::get_if<CreateChild>(&purpose);
        return create && create->rekeyed == child;
    });
    return asked || successor_of(sa, child);
}

/// A child competes while our own exchange, which may replace the same one, is not decided.
bool competes(const Established& sa, const ChildState& child) {
    const auto* create = under_way<CreateChild>(sa);
    if (!create || !create->rival || create->rival->made != child.id)
        return false;
    return !create->rekeyed ||
           std::ranges::contains(sa.children, *create->rekeyed, &ChildState::id);
}

/// The child that stands where this one lost.
const ChildState* winner_over(const Established& sa, const ChildState& loser) {
    const auto found = std::ranges::find_if(sa.children, [&](const ChildState& each) {
        return each.in_use() && each.local_selectors == loser.local_selectors &&
               each.remote_selectors == loser.remote_selectors;
    });
    return found == sa.children.end() ? nullptr : &*found;
}

/// The peer should have deleted what its own exchange made. One that does not go by the nonces
/// takes that for its newest and may take its policies out with it (libreswan 5): the child that
/// stands is replaced first, so that this one is not the newest when it goes.
void end_redundant(Turn& turn, IkeSaFacts& facts, Established& sa, ChildState& loser) {
    if (sa.under_way) {
        loser.redundant_until = turn.now + redundant_again_time;
        return;
    }
    const auto id = loser.id;
    if (const auto* winner = winner_over(sa, loser))
        rekey_child(turn, facts, sa, winner->id);
    // Waits behind that exchange.
    replace_child(turn, facts, sa, id);
}

} // namespace

std::optional<policy::ChildSaId> successor_of(const Established& sa, policy::ChildSaId child) {
    const auto found = std::ranges::find_if(sa.children, [&](const ChildState& each) {
        return each.predecessor == child && !each.redundant_until;
    });
    return found == sa.children.end() ? std::nullopt : std::optional(found->id);
}

void rekey_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child) {
    const auto found = find(sa.children, child);
    // A child whose outbound side waits may be one that the peer does not know of yet.
    if (found == sa.children.end() || !found->in_use() || found->waiting_outbound ||
        succession_on_its_way(sa, child) || sa.standing != Standing::carrying)
        return;
    request(turn, facts, sa, CreateChild{.selectors = found->wanted, .rekeyed = child});
}

void child_rekey_refused(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
                         NotifyType notify, Cause why) {
    const auto found = find(sa.children, child);
    if (found == sa.children.end())
        return;
    switch (notify) {
    case NotifyType::temporary_failure:
        found->replace_at = std::max(turn.now + passing_failure_wait(turn.rng), sa.yielding_until);
        return;
    case NotifyType::child_sa_not_found: {
        // RFC 7296 2.25: the peer has it no more; silently deleted, and made anew.
        auto selectors = std::move(found->wanted);
        remove_child(turn, sa.connection->name, *found, std::move(why));
        sa.children.erase(found);
        request(turn, facts, sa, CreateChild{.selectors = std::move(selectors)});
        return;
    }
    default:
        found->replace_at = turn.now + rekey_again_time;
        turn.outcomes.emplace_back(outcome::ChildFailed{sa.connection->name, Role::initiator,
                                                        std::move(why), found->replace_at});
        if (sa.first_role == Role::initiator)
            sa.reauthenticate_at = turn.now;
    }
}

void replace_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child) {
    const auto found = find(sa.children, child);
    if (found == sa.children.end() || found->deleting)
        return;
    const auto spi = found->inbound_spi;
    take_outbound_out(turn, *found);
    found->replaced = true;
    found->deleting = true;
    request(turn, facts, sa, purpose::DeleteChildren{{spi}});
}

void mark_redundant(Turn& turn, Established& sa, policy::ChildSaId child) {
    const auto found = find(sa.children, child);
    if (found != sa.children.end() && !found->deleting)
        found->redundant_until = turn.now + peer_deletion_time;
}

std::vector<policy::ChildSaId> children_without_way(const Established& sa) {
    const auto carries = [&](policy::ChildSaId id) {
        return std::ranges::any_of(sa.children, [&](const ChildState& each) {
            return each.id == id && each.in_use() && !each.waiting_outbound;
        });
    };
    std::vector<policy::ChildSaId> out;
    for (const auto& each : sa.children)
        if (each.waiting_outbound && !each.redundant_until &&
            !(each.predecessor && carries(*each.predecessor)))
            out.push_back(each.id);
    return out;
}

std::vector<policy::ChildSaId> waiting_children(const Established& sa) {
    std::vector<policy::ChildSaId> out;
    for (const auto& each : sa.children)
        if (each.waiting_outbound && !each.redundant_until)
            out.push_back(each.id);
    return out;
}

void activate_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId id) {
    const auto child = find(sa.children, id);
    if (child == sa.children.end() || !child->waiting_outbound || child->redundant_until)
        return;
    turn.effects.emplace_back(InstallOutboundSa{std::move(*child->waiting_outbound)});
    child->waiting_outbound.reset();
    if (child->predecessor) {
        // The peer, which began the exchange, deletes the old one.
        if (const auto old = find(sa.children, *child->predecessor);
            old != sa.children.end() && !old->replaced) {
            take_outbound_out(turn, *old);
            old->replaced = true;
        }
        return;
    }
    // The peer made it from scratch beside one for the same: the older gives way.
    const auto same = [&](const ChildState& each) {
        return each.id != id && each.in_use() && !each.waiting_outbound &&
               each.local_selectors == child->local_selectors &&
               each.remote_selectors == child->remote_selectors;
    };
    const auto older = std::ranges::find_if(sa.children, same);
    if (older != sa.children.end())
        replace_child(turn, facts, sa, older->id);
}

void activate_children(Turn& turn, IkeSaFacts& facts, Established& sa,
                       const std::vector<policy::ChildSaId>& children) {
    for (const auto id : children)
        if (const auto child = find(sa.children, id);
            child != sa.children.end() && !competes(sa, *child))
            activate_child(turn, facts, sa, id);
}

void tend_children(Turn& turn, IkeSaFacts& facts, Established& sa) {
    std::vector<policy::ChildSaId> ids;
    ids.reserve(sa.children.size());
    for (const auto& each : sa.children)
        ids.push_back(each.id);
    for (const auto id : ids) {
        const auto child = find(sa.children, id);
        if (child == sa.children.end() || child->deleting)
            continue;
        if (child->redundant_until && *child->redundant_until <= turn.now) {
            end_redundant(turn, facts, sa, *child);
        } else if (child->expire_at <= turn.now) {
            const bool used = child->in_use();
            close_child(turn, facts, sa, id, cause::LifetimeReached{});
            if (used)
                create_missing_children(turn, facts, sa);
        } else if (child->in_use() && child->replace_at <= turn.now) {
            // Should nothing come of it, it is looked at again.
            child->replace_at = turn.now + rekey_again_time;
            rekey_child(turn, facts, sa, id);
        }
    }
}

TimePoint next_child_deadline(const Established& sa) {
    auto earliest = TimePoint::max();
    for (const auto& each : sa.children) {
        if (each.deleting)
            continue;
        earliest = std::min(earliest, each.expire_at);
        if (each.redundant_until)
            earliest = std::min(earliest, *each.redundant_until);
        if (each.in_use())
            earliest = std::min(earliest, each.replace_at);
    }
    return earliest;
}

} // namespace viaduct::ike::v2
