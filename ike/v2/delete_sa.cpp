#include "ike/v2/delete_sa.h"

#include "ike/v2/child_negotiation.h"
#include "ike/v2/exchange_order.h"
#include "ike/v2/rekey_child.h"
#include "ike/v2/timers.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

/// A Delete may overtake the answer that makes the child.
void remember_unknown(Established& sa, policy::ChildSpi spi) {
    constexpr std::size_t most = 64;
    auto* creating = under_way<purpose::CreateChild>(sa);
    if (creating && creating->deleted.size() < most)
        creating->deleted.push_back(spi);
}

} // namespace

void report_closed(Turn& turn, const IkeSaFacts& facts, Established& sa, Cause why) {
    if (sa.closing)
        return;
    sa.closing = true;
    if (const auto* create = under_way<purpose::CreateChild>(sa))
        turn.child_spis.release(create->offer.inbound_spi);
    const bool another = sa.standing == Standing::carrying && !sa.children.empty() &&
                         turn.hand_over(sa.connection->name, facts.own_spi());
    // A peer that forgot the SA has nothing under way through it.
    const bool carried_on = another && !std::holds_alternative<cause::ReplacedByPeer>(why);
    while (!sa.children.empty()) {
        const auto& child = sa.children.back();
        if (carried_on) {
            // The peer may learn of it late, behind another request.
            retire_child(turn, sa, child.id, why, closed_sa_child_time);
            continue;
        }
        remove_child(turn, sa.connection->name, child, why);
        sa.children.pop_back();
    }
    turn.report(IkeSaClosed{sa.connection->name, facts.initiator_spi, facts.responder_spi, why});
    if (sa.standing == Standing::carrying)
        turn.outcomes.emplace_back(outcome::Down{sa.connection->name, std::move(why)});
}

IkeSaState close_ike_sa(Turn& turn, IkeSaFacts& facts, Established sa, Cause why) {
    if (sa.closing)
        return sa;
    report_closed(turn, facts, sa, why);
    say_goodbye(turn, facts, sa, std::move(why));
    return sa;
}

void say_goodbye(Turn& turn, IkeSaFacts& facts, Established& sa, Cause why) {
    sa.closing = true;
    sa.waiting.clear();
    // What is under way goes first; a peer that does not answer it gets no more patience than a
    // farewell. One that has another SA with us is there, and must learn of the end.
    if (sa.under_way && !std::holds_alternative<cause::Replaced>(why))
        sa.under_way->timer = Retransmission(turn.now, farewell_schedule);
    request(turn, facts, sa, purpose::DeleteIkeSa{std::move(why)});
}

void close_child(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
                 Cause why) {
    const auto found = std::ranges::find(sa.children, child, &ChildState::id);
    if (found == sa.children.end())
        return;
    const auto gone = std::move(*found);
    const auto successor = successor_of(sa, child);
    sa.children.erase(found);
    // Whether the peer has the successor's inbound side or not: there is no other way any more.
    if (successor)
        activate_children(turn, facts, sa, {*successor});
    remove_child(turn, sa.connection->name, gone, std::move(why));
    if (!gone.deleting)
        request(turn, facts, sa, purpose::DeleteChildren{{gone.inbound_spi}});
}

void retire_child(Turn& turn, Established& sa, policy::ChildSaId child, Cause why,
                  std::chrono::seconds time) {
    const auto found = std::ranges::find(sa.children, child, &ChildState::id);
    if (found == sa.children.end())
        return;
    if (!found->replaced)
        take_outbound_out(turn, *found);
    retire(turn, sa.connection->name, *found, std::move(why), time);
    sa.children.erase(found);
}

void children_deleted(Turn& turn, Established& sa, const std::vector<policy::ChildSpi>& spis) {
    for (const auto spi : spis) {
        const auto found = std::ranges::find(sa.children, spi, &ChildState::inbound_spi);
        if (found != sa.children.end() && found->deleting)
            retire_child(turn, sa, found->id, cause::Replaced{});
    }
}

std::vector<policy::ChildSpi> delete_children_by_peer(Turn& turn, IkeSaFacts& facts,
                                                      Established& sa,
                                                      std::span<const policy::ChildSpi> spis) {
    std::vector<policy::ChildSpi> ours;
    for (const auto spi : spis) {
        const auto found = std::ranges::find(sa.children, spi, &ChildState::outbound_spi);
        if (found == sa.children.end()) {
            remember_unknown(sa, spi);
            continue;
        }
        const auto id = found->id;
        if (!found->deleting)
            ours.push_back(found->inbound_spi);
        const auto successor = successor_of(sa, id);
        if (found->in_use() && !successor) {
            remove_child(turn, sa.connection->name, *found, cause::ClosedByPeer{});
            sa.children.erase(found);
            continue;
        }
        // Nothing that is under way is lost: the successor's outbound side goes in before the old
        // one's goes out.
        auto gone = std::move(*found);
        sa.children.erase(found);
        if (successor)
            activate_children(turn, facts, sa, {*successor});
        if (!gone.replaced)
            take_outbound_out(turn, gone);
        retire(turn, sa.connection->name, gone, cause::Replaced{}, retired_child_time);
    }
    return ours;
}

} // namespace viaduct::ike::v2
