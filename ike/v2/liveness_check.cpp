#include "ike/v2/liveness_check.h"

#include "ike/v2/exchange_order.h"

#include <algorithm>

namespace viaduct::ike::v2 {

void begin_liveness_check(Turn& turn, IkeSaFacts& facts, Established& sa) {
    if (sa.under_way)
        return;
    const auto silent_since = sa.last_heard + sa.connection->dpd.interval;
    const bool asked = sa.traffic_asked && *sa.traffic_asked >= silent_since;
    if (!asked && !sa.children.empty()) {
        sa.traffic_asked = turn.now;
        for (const auto& child : sa.children)
            turn.effects.emplace_back(ReadTraffic{child.id});
        return;
    }
    request(turn, facts, sa, purpose::LivenessCheck{});
}

void note_traffic(Turn& turn, Established& sa, policy::ChildSaId child,
                  std::uint64_t inbound_packets) {
    const auto found = std::ranges::find(sa.children, child, &ChildState::id);
    if (found == sa.children.end())
        return;
    if (inbound_packets > found->inbound_packets)
        sa.last_heard = turn.now;
    found->inbound_packets = inbound_packets;
}

} // namespace viaduct::ike::v2
