#include "ike/v1/succession.h"

#include "ike/child_installation.h"
#include "ike/rekey_collision.h"
#include "ike/v1/delete_sa.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/v1/quick_mode_initiator.h"
#include "ike/v1/timers.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

constexpr std::chrono::milliseconds first_wait = std::chrono::seconds(2);
constexpr std::chrono::milliseconds longest_wait = std::chrono::seconds(60);

auto find(std::vector<Child>& children, policy::ChildSaId id) {
    return std::ranges::find(children, id, &Child::id);
}

bool is_for(const Child& child, const ChildSelectors& selectors) {
    return child.local_selectors == selectors.local && child.remote_selectors == selectors.remote;
}

bool same_traffic(const Child& a, const Child& b) {
    return a.local_selectors == b.local_selectors && a.remote_selectors == b.remote_selectors;
}

bool carries(const Child& child) {
    return child.in_use() && !child.is_pending();
}

/// Another that traffic goes on with.
bool has_another(const Established& sa, const Child& child) {
    return std::ranges::any_of(sa.children, [&](const Child& each) {
        return each.id != child.id && carries(each) && same_traffic(each, child);
    });
}

/// Nothing leaves by it from now on; the peer is told when nothing is under way any more.
void end_soon(Turn& turn, Child& child) {
    if (child.delete_at)
        return;
    take_outbound_out(turn, child);
    child.unconfirmed = false;
    child.delete_at = turn.now + deletion_time;
}

/// What an edit left over goes when there is nothing any more that only it could carry.
void end_outdated(Turn& turn, Established& sa) {
    const auto is_wanted = [&](const ChildSelectors& pair) {
        return turn.is_demanded(*sa.connection, pair);
    };
    if (std::ranges::none_of(sa.children, &Child::outdated) ||
        std::ranges::any_of(
            sa.children, [](const Child& each) { return each.is_pending() && !each.outdated; }) ||
        std::ranges::any_of(missing_children(sa), is_wanted))
        return;
    for (auto& each : sa.children)
        if (each.outdated)
            end_soon(turn, each);
}

/// Of two that both ends made at the same moment the one whose exchange has the lower nonce goes.
/// The end that began it sees to that; the other waits.
void settle_crossing(Turn& turn, Child& a, Child& b) {
    auto& loser = gives_way(a.lowest_nonce, b.lowest_nonce) ? a : b;
    const bool ours = loser.exchange_role == Role::initiator;
    loser.redundant_until = turn.now + (ours ? deletion_time : redundant_time);
    if (ours)
        end_soon(turn, loser);
}

void replace_predecessor(Turn& turn, Established& sa, const Child& successor) {
    const auto old = find(sa.children, *successor.predecessor);
    if (old == sa.children.end() || old->delete_at)
        return;
    old->replaced = true;
    // Who began the rekey deletes what it replaces.
    if (successor.exchange_role == Role::initiator)
        end_soon(turn, *old);
    else
        old->replaced_until = turn.now + peer_deletion_time;
}

void delete_now(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId id) {
    const auto child = find(sa.children, id);
    const auto gone = std::move(*child);
    sa.children.erase(child);
    send_child_delete(turn, facts, sa, {gone.inbound_spi});
    retire(turn, sa.connection->name, gone, cause::Replaced{},
           gone.redundant_until ? deleted_redundant_time : deleted_child_time);
}

void end_redundant(Turn& turn, const Established& sa, Child& child) {
    if (has_another(sa, child))
        end_soon(turn, child);
    else
        child.redundant_until.reset();
}

void tend(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId id) {
    const auto child = find(sa.children, id);
    if (child == sa.children.end())
        return;
    if (child->delete_at) {
        if (*child->delete_at <= turn.now)
            delete_now(turn, facts, sa, id);
        return;
    }
    if (child->ends_at() <= turn.now) {
        const bool used = child->in_use();
        close_child(turn, facts, sa, id, cause::LifetimeReached{});
        if (used)
            create_missing_children(turn, facts, sa);
        return;
    }
    if (child->redundant_until && *child->redundant_until <= turn.now)
        end_redundant(turn, sa, *child);
    if (child->ask_traffic_at && *child->ask_traffic_at <= turn.now) {
        child->ask_traffic_wait =
            std::min(2 * child->ask_traffic_wait, TimePoint::duration(longest_traffic_wait));
        child->ask_traffic_at = turn.now + child->ask_traffic_wait;
        turn.effects.emplace_back(ReadTraffic{id});
    }
    if (child->activate_at && *child->activate_at <= turn.now)
        activate_child(turn, sa, id);
    else if (carries(*child) && !child->outdated && child->replace_at <= turn.now) {
        // Should nothing come of it, it is looked at again.
        child->replace_at = turn.now + rekey_again_time;
        rekey_child(turn, facts, sa, id);
    }
}

/// A child that was in use is gone by the peer's will. What it replaced stands again, if it is
/// still there.
void after_loss(Turn& turn, Established& sa, const Child& gone) {
    for (auto& each : sa.children)
        if (each.replaced && !each.delete_at && same_traffic(each, gone)) {
            each.replaced = false;
            each.replaced_until.reset();
            return;
        }
    if (sa.connection->close == policy::CloseAction::restart && !missing_children(sa).empty())
        create_children_later(turn, sa);
}

bool is_asked(const Established& sa, policy::ChildSaId child) {
    return (sa.asked && sa.asked->wanted.rekeyed == child) ||
           std::ranges::contains(sa.waiting, std::optional(child), &QuickModeWanted::rekeyed);
}

bool has_successor(const Established& sa, policy::ChildSaId child) {
    return std::ranges::any_of(sa.children, [&](const Child& each) {
        return each.predecessor == child && !each.redundant_until;
    });
}

} // namespace

void rekey_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child) {
    const auto found = find(sa.children, child);
    if (found == sa.children.end() || !carries(*found) || is_asked(sa, child) ||
        has_successor(sa, child))
        return;
    request_quick_mode(
        turn, facts, sa,
        {.selectors = {found->local_selectors, found->remote_selectors}, .rekeyed = child});
}

void activate_child(Turn& turn, Established& sa, policy::ChildSaId id) {
    const auto child = find(sa.children, id);
    if (child == sa.children.end() || !child->is_pending())
        return;
    if (child->waiting_outbound)
        turn.effects.emplace_back(InstallOutboundSa{std::move(*child->waiting_outbound)});
    child->waiting_outbound.reset();
    child->unconfirmed = false;
    child->activate_at.reset();
    child->ask_traffic_at.reset();
    settle_succession(turn, sa, id);
    turn.outcomes.emplace_back(outcome::ChildUp{sa.connection->name});
}

void told_of_child(Turn& turn, Established& sa, policy::ChildSaId id, bool peer_has_it) {
    const auto child = find(sa.children, id);
    if (child == sa.children.end())
        turn.outcomes.emplace_back(outcome::ToldOfChild{id, peer_has_it});
    else if (peer_has_it)
        activate_child(turn, sa, id);
    else if (child->activate_at)
        child->activate_at =
            std::min(turn.now + TimePoint::duration(activation_time), child->activate_by);
}

void settle_succession(Turn& turn, Established& sa, policy::ChildSaId id) {
    const auto child = find(sa.children, id);
    if (child == sa.children.end() || !carries(*child))
        return;
    if (child->outdated) {
        end_outdated(turn, sa);
        return;
    }
    const auto predecessor = child->predecessor;
    if (predecessor)
        replace_predecessor(turn, sa, *child);
    for (auto& each : sa.children)
        if (each.id != id && each.id != predecessor && carries(each) && !each.outdated &&
            same_traffic(each, *child) && child->in_use())
            settle_crossing(turn, each, *child);
    end_outdated(turn, sa);
}

std::vector<policy::ChildSaId> children_without_way(const Established& sa) {
    const auto predecessor_carries = [&](const Child& child) {
        return child.predecessor && std::ranges::any_of(sa.children, [&](const Child& each) {
                   return each.id == *child.predecessor && carries(each);
               });
    };
    std::vector<policy::ChildSaId> out;
    for (const auto& each : sa.children)
        if (each.in_use() && each.is_pending() && !predecessor_carries(each))
            out.push_back(each.id);
    return out;
}

std::optional<policy::ChildSaId> carrier_of(const Established& sa,
                                            const ChildSelectors& selectors) {
    const auto found = std::ranges::find_if(sa.children, [&](const Child& each) {
        return carries(each) && !each.outdated && is_for(each, selectors);
    });
    return found == sa.children.end() ? std::nullopt : std::optional(found->id);
}

std::optional<policy::ChildSaId> predecessor_for(const Turn& turn, const IkeSaFacts& facts,
                                                 const Established& sa,
                                                 const ChildSelectors& selectors) {
    const auto here = carrier_of(sa, selectors);
    return here || !sa.superseded
               ? here
               : turn.v1_carrier_elsewhere(sa.connection->name, facts.own_spi(), selectors);
}

void close_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
                 Cause why) {
    const auto found = find(sa.children, child);
    if (found == sa.children.end())
        return;
    const auto gone = std::move(*found);
    sa.children.erase(found);
    // Whether the peer has the successor's inbound side or not: there is no other way any more.
    for (const auto& each : sa.children)
        if (each.predecessor == child && each.waiting_outbound) {
            activate_child(turn, sa, each.id);
            break;
        }
    send_child_delete(turn, facts, sa, {gone.inbound_spi});
    remove_child(turn, sa.connection->name, gone, std::move(why));
}

void children_deleted_by_peer(Turn& turn, Established& sa,
                              const std::vector<policy::ChildSpi>& spis) {
    std::vector<policy::ChildSpi> strays;
    bool lost = false;
    for (const auto spi : spis) {
        const auto found = std::ranges::find(sa.children, spi, &Child::outbound_spi);
        if (found == sa.children.end()) {
            strays.push_back(spi);
            continue;
        }
        auto gone = std::move(*found);
        sa.children.erase(found);
        // A successor that the peer replaces it by is there; it may still wait here.
        for (const auto& each : sa.children)
            if (each.predecessor == gone.id && each.waiting_outbound) {
                activate_child(turn, sa, each.id);
                break;
            }
        if (!gone.in_use() || has_another(sa, gone)) {
            if (!gone.delete_at)
                take_outbound_out(turn, gone);
            retire(turn, sa.connection->name, gone, cause::Replaced{}, retired_child_time);
            continue;
        }
        remove_child(turn, sa.connection->name, gone, cause::ClosedByPeer{});
        after_loss(turn, sa, gone);
        lost = true;
    }
    if (!strays.empty())
        turn.outcomes.emplace_back(
            outcome::DeletedElsewhere{sa.connection->name, sa.peer_id, std::move(strays)});
    if (lost && std::ranges::none_of(sa.children, &Child::in_use))
        turn.outcomes.emplace_back(outcome::Childless{sa.connection->name, cause::ClosedByPeer{}});
}

void tend_children(Turn& turn, IkeSaFacts& facts, Established& sa) {
    std::vector<policy::ChildSaId> ids;
    ids.reserve(sa.children.size());
    for (const auto& each : sa.children)
        ids.push_back(each.id);
    for (const auto id : ids)
        tend(turn, facts, sa, id);
}

TimePoint next_child_deadline(const Established& sa) {
    auto earliest = TimePoint::max();
    const auto consider = [&](const std::optional<TimePoint>& time) {
        if (time)
            earliest = std::min(earliest, *time);
    };
    for (const auto& each : sa.children) {
        if (each.delete_at) {
            consider(each.delete_at);
            continue;
        }
        consider(each.ends_at());
        consider(each.redundant_until);
        consider(each.activate_at);
        consider(each.ask_traffic_at);
        if (carries(each) && !each.outdated)
            consider(each.replace_at);
    }
    return earliest;
}

bool protects(const Child& child, const ChildSelectors& pair) {
    return policy::contains({child.local_selectors, child.remote_selectors}, pair);
}

std::vector<ChildSelectors> missing_children(const Established& sa) {
    auto wanted = wanted_pairs(*sa.connection);
    std::erase_if(wanted, [&](const ChildSelectors& pair) {
        return std::ranges::any_of(sa.children, [&](const Child& child) {
            return child.in_use() && !child.outdated && protects(child, pair);
        });
    });
    return wanted;
}

void create_missing_children(Turn& turn, IkeSaFacts& facts, Established& sa) {
    sa.create_children_at.reset();
    if (sa.superseded || !turn.is_wanted(sa.connection->name))
        return;
    for (auto& each : missing_children(sa)) {
        if (!turn.is_demanded(*sa.connection, each))
            continue;
        const bool asked = (sa.asked && sa.asked->wanted.selectors == each) ||
                           std::ranges::contains(sa.waiting, each, &QuickModeWanted::selectors);
        if (!asked)
            request_quick_mode(turn, facts, sa, {.selectors = std::move(each)});
    }
}

std::optional<TimePoint> create_children_later(Turn& turn, Established& sa) {
    if (sa.superseded || !turn.is_wanted(sa.connection->name))
        return std::nullopt;
    auto wait = first_wait;
    for (unsigned i = 0; i < sa.create_failures && wait < longest_wait; ++i)
        wait *= 2;
    wait = std::min(wait, longest_wait);
    ++sa.create_failures;
    sa.create_children_at = turn.now + between(wait - wait / 4, wait + wait / 4, turn.rng);
    return sa.create_children_at;
}

} // namespace viaduct::ike::v1
