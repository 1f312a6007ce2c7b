#include "ike/peer_address.h"

#include <algorithm>

namespace viaduct::ike {

void follow_peer(IkeSaFacts& facts, const policy::UdpPath& path) {
    // RFC 7296 2.23: who is behind a NAT himself does not follow, because somebody on the way could
    // draw the traffic to himself by a copy from another address.
    if (!facts.nat.remote_behind_nat || facts.nat.local_behind_nat)
        return;
    if (path.local == facts.path.local)
        facts.path.remote = path.remote;
}

void move_children(Turn& turn, const IkeSaFacts& facts, const policy::UdpPath& before,
                   const std::string& connection, std::vector<ChildState>& children) {
    report_move(turn, facts, before, connection);
    for (auto& child : children)
        move_child(turn, facts, child);
}

void report_move(Turn& turn, const IkeSaFacts& facts, const policy::UdpPath& before,
                 const std::string& connection) {
    if (facts.path != before)
        turn.report(PeerMoved{connection, before.remote, facts.path.remote});
}

void move_child(Turn& turn, const IkeSaFacts& facts, ChildState& child) {
    if (child.path == facts.path)
        return;
    child.path = facts.path;
    if (child.encapsulation)
        child.encapsulation = {.local_port = facts.path.local.port,
                               .remote_port = facts.path.remote.port};
    if (child.waiting_outbound) {
        child.waiting_outbound->remote_address = facts.path.remote.address;
        child.waiting_outbound->encapsulation = child.encapsulation;
    }
    turn.effects.emplace_back(
        MoveChildSa{child.id, child.inbound_spi, facts.path, child.encapsulation});
}

void note_sending(const Turn& turn, IkeSaFacts& facts, std::size_t first_effect) {
    for (auto i = first_effect; i < turn.effects.size(); ++i) {
        const auto* datagram = std::get_if<SendDatagram>(&turn.effects[i]);
        if (datagram && datagram->path == facts.path)
            facts.last_sent = turn.now;
    }
}

bool needs_keepalives(const IkeSaFacts& facts) {
    return facts.nat.local_behind_nat || facts.nat.forced;
}

bool kernel_keeps_mapping_alive(const ChildState& child) {
    return child.kernel_keepalive && child.in_use() && !child.waiting_outbound;
}

std::optional<TimePoint> keepalive_due(const IkeSaFacts& facts,
                                       const policy::Connection& connection) {
    const auto interval = connection.nat_traversal.keepalive;
    if (interval == std::chrono::seconds::zero() || !needs_keepalives(facts))
        return std::nullopt;
    return facts.last_sent + interval;
}

void keep_mapping_alive(Turn& turn, IkeSaFacts& facts, const policy::Connection& connection) {
    const auto due = keepalive_due(facts, connection);
    // RFC 3948 2.3: one octet 0xff between the ports of ESP in UDP.
    if (due && *due <= turn.now) {
        turn.effects.emplace_back(SendDatagram{facts.path, {0xff}});
        facts.last_sent = turn.now;
    }
}

} // namespace viaduct::ike
