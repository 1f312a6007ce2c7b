#include "ike/v1/delete_sa.h"

#include "ike/child_installation.h"
#include "ike/v1/informational.h"
#include "ike/v1/timers.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v1 {

namespace {

/// What was begun and will not be finished. The farewell tells of the children that the peer may
/// have of it.
void abandon_exchanges(Turn& turn, Established& sa) {
    if (sa.asked)
        turn.child_spis.retire(sa.asked->inbound_spi, turn.now);
    sa.asked.reset();
    // Their third message would come under this SA.
    for (const auto& each : std::exchange(sa.answered, {})) {
        const auto child = std::ranges::find(sa.children, each.child, &Child::id);
        if (child == sa.children.end() || !child->is_pending())
            continue;
        sa.deleted.push_back({.spis = {child->inbound_spi}, .repetitions = 0, .again_at = {}});
        remove_child(turn, sa.connection->name, *child, cause::Replaced{});
        sa.children.erase(child);
    }
}

void report_end(Turn& turn, const IkeSaFacts& facts, const Established& sa, const Cause& why) {
    turn.report(IkeSaClosed{sa.connection->name, facts.initiator_spi, facts.responder_spi, why});
    turn.outcomes.emplace_back(outcome::Down{sa.connection->name, why});
}

void remove_children(Turn& turn, Established& sa, const Cause& why) {
    for (const auto& each : std::exchange(sa.children, {}))
        remove_child(turn, sa.connection->name, each, why);
}

/// Others have their traffic; what is under way in them still arrives.
void retire_children(Turn& turn, Established& sa, const Cause& why) {
    for (auto& each : std::exchange(sa.children, {})) {
        take_outbound_out(turn, each);
        retire(turn, sa.connection->name, each, why, retired_child_time);
    }
}

/// Under a message ID of its own each time: a peer that has forgotten it already overlooks the
/// SPIs, but some take a second message under an ID for the next one, and answer what they make of
/// it with an error.
void say_deleted(Turn& turn, const IkeSaFacts& facts, Established& sa,
                 const std::vector<policy::ChildSpi>& spis) {
    send_informational(turn, facts, sa,
                       {wire::v1::DeletePayload{
                           .protocol = policy::ProtocolId::esp, .isakmp = {}, .children = spis}});
}

/// With the `children` goes what is not said often enough yet.
Messages farewell(Turn& turn, const IkeSaFacts& facts, Established& sa,
                  std::vector<policy::ChildSpi> children) {
    for (const auto& each : std::exchange(sa.deleted, {}))
        children.insert(children.end(), each.spis.begin(), each.spis.end());
    Messages out;
    const auto add = [&](wire::v1::DeletePayload deletes) {
        const auto messages = seal_informational(turn, facts, sa.keys, sa.ids.draw(turn.rng),
                                                 {std::move(deletes)}, sa.connection->name);
        if (messages)
            out.insert(out.end(), messages->begin(), messages->end());
    };
    if (!children.empty())
        add({.protocol = policy::ProtocolId::esp, .isakmp = {}, .children = std::move(children)});
    add({.protocol = policy::ProtocolId::ike,
         .isakmp = {{facts.initiator_spi, facts.responder_spi}},
         .children = {}});
    return out;
}

IsakmpSaState leave_children(Turn& turn, const IkeSaFacts& facts, Established sa,
                             const Cause& why) {
    abandon_exchanges(turn, sa);
    const bool carried = turn.is_carried_elsewhere(sa.connection->name, facts.own_spi());
    for (auto& each : sa.children)
        each.outdated = each.outdated || sa.outdated;
    sa.outdated = false;
    if (carried)
        give_children(turn, sa);
    report_end(turn, facts, sa, why);
    if (sa.children.empty())
        return Gone{};
    return Orphaned{std::move(sa.connection), std::move(sa.peer_id), std::move(sa.children)};
}

} // namespace

void send_child_delete(Turn& turn, const IkeSaFacts& facts, Established& sa,
                       std::vector<policy::ChildSpi> spis) {
    say_deleted(turn, facts, sa, spis);
    sa.deleted.push_back({.spis = std::move(spis),
                          .repetitions = 0,
                          .again_at = turn.now + TimePoint::duration(deletion_again_time)});
}

void repeat_child_deletes(Turn& turn, const IkeSaFacts& facts, Established& sa) {
    for (auto& each : sa.deleted) {
        if (each.again_at > turn.now)
            continue;
        say_deleted(turn, facts, sa, each.spis);
        ++each.repetitions;
        each.again_at = turn.now + 2 * TimePoint::duration(deletion_again_time);
    }
    std::erase_if(sa.deleted, [](const ChildrenDeleted& each) {
        return each.repetitions == deletion_repetitions;
    });
}

void give_children(Turn& turn, Established& sa) {
    if (sa.outdated)
        return;
    sa.superseded = true;
    sa.create_children_at.reset();
    outcome::Bequeath gift{sa.connection->name, sa.peer_id, {}, std::exchange(sa.waiting, {})};
    // The third message of those that are not finished comes under this SA.
    const auto unfinished = [&](const Child& each) {
        return std::ranges::contains(sa.answered, each.id, &QuickModeAnswered::child);
    };
    for (auto& each : sa.children)
        if (!unfinished(each))
            gift.children.push_back(std::move(each));
    std::erase_if(sa.children, [&](const Child& each) { return !unfinished(each); });
    if (!gift.children.empty() || !gift.waiting.empty())
        turn.outcomes.emplace_back(std::move(gift));
}

IsakmpSaState close_isakmp_sa(Turn& turn, IkeSaFacts& facts, Established sa, const Cause& why) {
    abandon_exchanges(turn, sa);
    std::vector<policy::ChildSpi> children;
    const bool carried = turn.is_carried_elsewhere(sa.connection->name, facts.own_spi());
    if (carried)
        give_children(turn, sa);
    children.reserve(sa.children.size());
    for (const auto& each : sa.children)
        children.push_back(each.inbound_spi);
    auto messages = farewell(turn, facts, sa, std::move(children));
    if (carried && sa.outdated)
        retire_children(turn, sa, why);
    else
        remove_children(turn, sa, why);
    report_end(turn, facts, sa, why);
    turn.send(facts.path, messages);
    return Farewell{sa.connection->name, std::move(messages), turn.now + farewell_again_time};
}

void forget_isakmp_sa(Turn& turn, const IkeSaFacts& facts, Established sa, const Cause& why) {
    abandon_exchanges(turn, sa);
    remove_children(turn, sa, why);
    report_end(turn, facts, sa, why);
}

IsakmpSaState expire(Turn& turn, IkeSaFacts& facts, Established sa) {
    abandon_exchanges(turn, sa);
    auto messages = farewell(turn, facts, sa, {});
    turn.send(facts.path, messages);
    auto name = sa.connection->name;
    auto left = leave_children(turn, facts, std::move(sa), cause::LifetimeReached{});
    if (!std::holds_alternative<Gone>(left))
        return left;
    return Farewell{std::move(name), std::move(messages), turn.now + farewell_again_time};
}

IsakmpSaState closed_by_peer(Turn& turn, IkeSaFacts& facts, Established sa) {
    return leave_children(turn, facts, std::move(sa), cause::ClosedByPeer{});
}

} // namespace viaduct::ike::v1
