// What the outcome of an IKE SA means for its connection.
#include "ike/endpoint_core.h"
#include "ike/overloaded.h"
#include "ike/rekey_collision.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace viaduct::ike {

namespace {

constexpr std::size_t kept_unmatched = 16;

/// Of two IKE SAs whose first exchanges crossed, the side that began the loser closes it so much
/// later: a peer with a rule of its own for duplicates has acted by then.
constexpr auto crossing_patience = std::chrono::seconds(2);
/// What the peer would have to close is left to it so long.
constexpr auto peer_patience = std::chrono::seconds(15);

void forget_sa(ConnectionUpkeep& upkeep, wire::IkeSpi spi) {
    upkeep.established.erase(spi);
    std::erase(upkeep.to_replace, spi);
    if (upkeep.negotiation == spi)
        upkeep.negotiation.reset();
    upkeep.renewing = upkeep.renewing && !upkeep.to_replace.empty();
}

} // namespace

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Up& outcome) {
    auto* upkeep = find(outcome.connection);
    const auto sa = sas_.find(spi);
    if (!upkeep || sa == sas_.end())
        return;
    const bool ours = upkeep->negotiation == spi;
    if (ours)
        upkeep->negotiation.reset();
    if (outcome.childless) {
        upkeep->established.add(spi, outcome.peer);
        end_oldest(now, spi, *upkeep, outcome.peer);
        // Of no use to a connection that is to stay up; the peer may still use it for one that
        // waits.
        if (upkeep->wanted())
            handle(now, spi, [&](auto& turn, auto& each) { each.close(turn, *outcome.childless); });
        return;
    }
    upkeep->established.add(spi, outcome.peer);
    close_duplicates(now, spi, *upkeep, outcome);
    end_oldest(now, spi, *upkeep, outcome.peer);
    const bool v1 = sa->second.sa.is_v1();
    if (v1)
        adopt_children(now, spi);
    if (outcome.has_child) {
        upkeep->on_up(now);
        note_demand_met(spi, *upkeep);
    } else {
        upkeep->on_ike_only(now);
    }
    if (!ours)
        return;
    // Should its children not all come.
    for (const auto each : upkeep->to_replace)
        superfluous_.emplace(now + peer_patience, each);
    // An IKEv1 peer needs a moment to move its children to the new SA.
    if (!v1) {
        close_replaced(now, spi, *upkeep);
        return;
    }
    if (std::exchange(upkeep->renewing, false))
        for (const auto each : upkeep->to_replace)
            upkeep->established.take_peer_of(each, spi);
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::ChildUp& outcome) {
    auto* upkeep = find(outcome.connection);
    if (!upkeep)
        return;
    upkeep->on_child_up(now);
    note_demand_met(spi, *upkeep);
    const auto* sa = find_alive(spi);
    if (sa && !sa->is_v1())
        close_replaced(now, spi, *upkeep);
}

void Endpoint::Core::note_demand_met(wire::IkeSpi spi, ConnectionUpkeep& upkeep) {
    if (const auto* sa = find_alive(spi))
        upkeep.on_demand_met(sa->missing_children());
}

bool Endpoint::Core::is_complete(TimePoint now, const AnyIkeSa& sa) {
    return sa.is_complete(now, [&](const policy::ChildSelectors& child) {
        return is_demanded(sa.connection(), child);
    });
}

void Endpoint::Core::close_replaced(TimePoint now, wire::IkeSpi spi, ConnectionUpkeep& upkeep) {
    const auto* sa = find_alive(spi);
    if (!sa || std::ranges::contains(upkeep.to_replace, spi) ||
        sa->facts().role != Role::initiator || !is_complete(now, *sa))
        return;
    upkeep.renewing = false;
    const auto path = sa->facts().path;
    for (const auto each : std::exchange(upkeep.to_replace, {})) {
        upkeep.established.take_peer_of(each, spi);
        close_along(now, each, path);
    }
}

void Endpoint::Core::close_along(TimePoint now, wire::IkeSpi spi, const policy::UdpPath& path) {
    handle(now, spi, [&](auto& turn, auto& sa) {
        sa.speak_along(path);
        sa.close(turn, cause::Replaced{});
    });
}

void Endpoint::Core::close_duplicates(TimePoint now, wire::IkeSpi spi,
                                      const ConnectionUpkeep& upkeep, const outcome::Up& outcome) {
    const auto* alive = find_alive(spi);
    if (!alive)
        return;
    const auto& made = *alive;
    for (const auto each : upkeep.established.with(outcome.peer)) {
        const auto* found = find_alive(each);
        if (each == spi || !found || std::ranges::contains(upkeep.to_replace, each))
            continue;
        const auto& old = *found;
        // One that came up while the first messages of the other were under way is not what a peer
        // forgot, or replaces: both sides began at once.
        const bool crossed = old.established_at() >= made.facts().since;
        if (!crossed && outcome.initial_contact) {
            handle(now, each,
                   [&](auto& turn, auto& sa) { sa.forget(turn, cause::ReplacedByPeer{}); });
        } else if (crossed && old.first_role() != made.first_role()) {
            const bool new_loses = gives_way(made.lowest_nonce(), old.lowest_nonce());
            const auto& loser = new_loses ? made : old;
            const bool ours = loser.first_role() == Role::initiator;
            superfluous_.emplace(now + (ours ? crossing_patience : peer_patience),
                                 new_loses ? spi : each);
        } else if (upkeep.connection().unique != policy::Uniqueness::never) {
            superfluous_.emplace(now + peer_patience, each);
        }
    }
}

std::optional<wire::IkeSpi> Endpoint::Core::oldest_to_spare(const ConnectionUpkeep& upkeep,
                                                            const policy::Identity& peer,
                                                            std::optional<wire::IkeSpi> newest) {
    using Selectors =
        std::pair<std::vector<policy::TrafficSelector>, std::vector<policy::TrafficSelector>>;
    struct Carrier {
        TimePoint since;
        wire::IkeSpi spi{};
        std::set<Selectors> children;
    };
    std::vector<Carrier> older;
    std::map<Selectors, std::size_t> carriers;
    for (const auto each : upkeep.established.with(peer)) {
        const auto* sa = find_alive(each);
        const bool superseded = sa && sa->is_v1() && sa->as_v1()->is_superseded();
        if (!sa || (upkeep.connection().unique == policy::Uniqueness::never && !superseded))
            continue;
        Carrier carrier{*sa->established_at(), each, {}};
        if (const auto status = superseded ? std::nullopt : sa->status())
            for (const auto& child : status->children)
                carrier.children.emplace(child.local_selectors, child.remote_selectors);
        for (const auto& child : carrier.children)
            ++carriers[child];
        if (each != newest)
            older.push_back(std::move(carrier));
    }
    std::ranges::sort(older, {}, &Carrier::since);
    const auto spare = std::ranges::find_if(older, [&](const Carrier& each) {
        return std::ranges::all_of(each.children,
                                   [&](const auto& child) { return carriers.at(child) > 1; });
    });
    return spare == older.end() ? std::nullopt : std::optional(spare->spi);
}

void Endpoint::Core::end_oldest(TimePoint now, wire::IkeSpi newest, const ConnectionUpkeep& upkeep,
                                const policy::Identity& peer) {
    while (upkeep.established.with(peer).size() > settings_.ike_sa_limit) {
        const auto spare = oldest_to_spare(upkeep, peer, newest);
        if (!spare)
            return;
        handle(now, *spare, [](auto& turn, auto& sa) { sa.close(turn, cause::ReplacedByPeer{}); });
    }
}

bool Endpoint::Core::takes_over(TimePoint now, const AnyIkeSa& old, const AnyIkeSa& successor) {
    const auto* upkeep = find(old.connection());
    // Only the peer can make what a connection carries that we do not keep up; a packet brings back
    // what one on demand lost.
    const bool lasts = upkeep && upkeep->connection().start != policy::StartAction::on_demand;
    const auto is_needed = [&](const policy::ChildSelectors& child) {
        return is_demanded(old.connection(), child) || (lasts && old.protects(child));
    };
    if (!successor.is_complete(now, is_needed))
        return false;
    if (!old.is_v1() || !old.as_v1()->is_outdated())
        return true;
    // Its children end with it, so that what the peer refuses the successor would be lost.
    return std::ranges::none_of(successor.missing_children(), is_needed);
}

void Endpoint::Core::close_superfluous(TimePoint now, wire::IkeSpi spi) {
    const auto* sa = find_alive(spi);
    const auto* upkeep = sa ? find(sa->connection()) : nullptr;
    if (!upkeep || !upkeep->established.contains(spi))
        return;
    // Superfluous only as long as there is another, which the peer has too, with all its children.
    bool others = false;
    std::optional<policy::UdpPath> way_of_successor;
    for (const auto each : upkeep->established.beside(spi)) {
        const auto* other = find_alive(each);
        if (!other || (other->is_v1() && other->as_v1()->is_outdated()))
            continue;
        others = true;
        if (other->is_confirmed() && takes_over(now, *sa, *other))
            way_of_successor = other->facts().path;
        else if (!other->is_confirmed())
            handle(now, each, [](auto& turn, auto& it) { it.check_liveness(turn); });
    }
    if (others && !way_of_successor)
        superfluous_.emplace(now + crossing_patience, spi);
    if (!way_of_successor)
        return;
    // Where the peer has another address it may be another host by the same name.
    const auto old_way = sa->facts().path;
    const bool we_moved = way_of_successor->local.address != old_way.local.address;
    close_along(now, spi, we_moved ? *way_of_successor : old_way);
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi, v2::outcome::NewIkeSa& outcome) {
    const auto spi = outcome.facts.own_spi();
    const auto [made, is_new] =
        sas_.try_emplace(spi, AnyIkeSa(v2::IkeSa(outcome.facts, std::move(outcome.state))));
    if (is_new)
        schedule(now, spi, made->second);
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi, v2::outcome::Bequeath& outcome) {
    const auto* heir = find_alive(outcome.heir);
    if (!heir) {
        for (const auto& child : outcome.children) {
            effects_.emplace_back(RemoveChildSa{child.id});
            child_spis_.retire(child.inbound_spi, now);
        }
        return;
    }
    if (auto* upkeep = find(heir->connection())) {
        upkeep->established.replace(spi, outcome.heir);
        std::ranges::replace(upkeep->to_replace, spi, outcome.heir);
    }
    for (auto& [time, each] : superfluous_)
        if (each == spi)
            each = outcome.heir;
    handle_v2(now, outcome.heir, [&](v2::Turn& turn, v2::IkeSa& sa) {
        sa.inherit(turn, std::move(outcome.children), std::move(outcome.waiting));
    });
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi,
                                const outcome::ChildFailed& outcome) {
    const auto found = sas_.find(spi);
    if (auto* upkeep = find(outcome.connection))
        upkeep->on_child_failed(now, outcome.role, outcome.why);
    effects_.emplace_back(Report{NegotiationFailed{
        .connection = outcome.connection,
        .role = outcome.role,
        .path = found == sas_.end() ? policy::UdpPath{} : found->second.sa.facts().path,
        .why = outcome.why,
        .retry = outcome.retry}});
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Failed& outcome) {
    const auto found = sas_.find(spi);
    auto* upkeep = find(outcome.connection);
    if (found == sas_.end())
        return;
    const auto& facts = found->second.sa.facts();
    if (facts.role == Role::initiator && upkeep) {
        forget_sa(*upkeep, spi);
        attempt_failed(now, *upkeep, facts.path, outcome.why);
        return;
    }
    NegotiationFailed failed{.connection = outcome.connection,
                             .role = facts.role,
                             .path = facts.path,
                             .why = outcome.why,
                             .retry = std::nullopt};
    if (upkeep)
        upkeep->on_peer_failed(now, outcome.why);
    else
        note_unmatched(failed);
    effects_.emplace_back(Report{std::move(failed)});
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Down& outcome) {
    auto* upkeep = find(outcome.connection);
    if (!upkeep)
        return;
    forget_sa(*upkeep, spi);
    upkeep->on_down(now, outcome.why, !upkeep->established.empty(), rng_);
    schedule(*upkeep);
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi,
                                const outcome::WantsReplacement& outcome) {
    const auto* sa = find_alive(spi);
    if (!sa)
        start_phase_one_for_orphans(now, outcome.connection);
    auto* upkeep = sa ? find(sa->connection()) : nullptr;
    if (!upkeep)
        return;
    // Whoever set it up replaces it; the other side waits for that. IKEv1 has no word for when it
    // is to be, so that there the other side does it, too, when it takes too long.
    const bool can_begin =
        sa->is_v1() && !std::holds_alternative<policy::AnyPeer>(upkeep->connection().peer_address);
    if (sa->first_role() != Role::initiator && !can_begin)
        return;
    if (!std::ranges::contains(upkeep->to_replace, spi))
        upkeep->to_replace.push_back(spi);
    if (!upkeep->negotiation)
        attempt(now, *upkeep);
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi,
                                const outcome::Childless& outcome) {
    auto* upkeep = find(outcome.connection);
    if (upkeep && !has_other(outcome.connection, spi))
        upkeep->on_childless(now, outcome.why);
}

void Endpoint::Core::note_unmatched(NegotiationFailed failed) {
    if (unmatched_.size() == kept_unmatched)
        unmatched_.pop_front();
    unmatched_.push_back(std::move(failed));
}

} // namespace viaduct::ike
