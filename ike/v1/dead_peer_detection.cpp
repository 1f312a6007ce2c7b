#include "ike/v1/dead_peer_detection.h"

#include "ike/v1/informational.h"
#include "ike/v1/succession.h"

#include <algorithm>
#include <array>

namespace viaduct::ike::v1 {

namespace {

using wire::v1::NotifyType;

void send(Turn& turn, const IkeSaFacts& facts, Established& sa, NotifyType type,
          std::uint32_t sequence) {
    send_informational(turn, facts, sa,
                       {wire::v1::dead_peer_detection(
                           type, {facts.initiator_spi, facts.responder_spi}, sequence)});
}

bool speaks_of(const IkeSaFacts& facts, const wire::v1::NotifyPayload& notify) {
    return wire::v1::cookies_of(notify.spi) ==
           wire::v1::Cookies{facts.initiator_spi, facts.responder_spi};
}

/// RFC 3706 6.2: a random start, with the highest bit clear.
std::uint32_t first_sequence(Botan::RandomNumberGenerator& rng) {
    std::array<std::uint8_t, 4> octets;
    rng.randomize(octets);
    return (std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
            std::uint32_t{octets[2]} << 8 | octets[3]) &
           0x7fffffff;
}

} // namespace

void begin_liveness_check(Turn& turn, IkeSaFacts& facts, Established& sa) {
    const auto silent_since = sa.last_heard + sa.connection->dpd.interval;
    const bool asked = sa.traffic_asked && *sa.traffic_asked >= silent_since;
    if (!asked && !sa.children.empty()) {
        sa.traffic_asked = turn.now;
        read_traffic(turn, sa);
        return;
    }
    question_peer(turn, facts, sa);
}

void read_traffic(Turn& turn, const Established& sa) {
    for (const auto& child : sa.children)
        turn.effects.emplace_back(ReadTraffic{child.id});
}

void question_peer(Turn& turn, const IkeSaFacts& facts, Established& sa) {
    if (sa.questioned || !sa.peer.dead_peer_detection)
        return;
    if (sa.next_sequence == 0)
        sa.next_sequence = first_sequence(turn.rng);
    sa.questioned = PeerQuestioned{++sa.next_sequence,
                                   Retransmission(turn.now, sa.connection->ike.retransmission)};
    send(turn, facts, sa, NotifyType::r_u_there, sa.questioned->sequence);
}

void repeat_question(Turn& turn, const IkeSaFacts& facts, Established& sa) {
    send(turn, facts, sa, NotifyType::r_u_there, sa.questioned->sequence);
    read_traffic(turn, sa);
}

void note_traffic(Turn& turn, Established& sa, policy::ChildSaId child,
                  std::uint64_t inbound_packets) {
    const auto found = std::ranges::find(sa.children, child, &Child::id);
    if (found == sa.children.end())
        return;
    if (inbound_packets > found->inbound_packets) {
        sa.last_heard = turn.now;
        found->inbound_packets = inbound_packets;
        // RFC 3706 5: who sends is there. The first reading only says how far the count was.
        if (sa.questioned && sa.questioned->timer.attempts() > 1)
            sa.questioned.reset();
        // Who sends through it has both its sides.
        activate_child(turn, sa, child);
    }
}

bool is_stray_answer(const IkeSaFacts& facts, const Established& sa,
                     const wire::v1::NotifyPayload& notify) {
    if (notify.type != NotifyType::r_u_there_ack)
        return false;
    return !sa.questioned || !speaks_of(facts, notify) ||
           wire::v1::sequence_number(notify) != sa.questioned->sequence;
}

void consume_dead_peer_detection(Turn& turn, const IkeSaFacts& facts, Established& sa,
                                 const wire::v1::NotifyPayload& notify) {
    const auto sequence = wire::v1::sequence_number(notify);
    if (!sequence || notify.type != NotifyType::r_u_there)
        return;
    if (!speaks_of(facts, notify)) {
        ++turn.dropped.unexpected;
        return;
    }
    // RFC 3706 6.2: a peer may repeat a question, but not go back.
    if (sa.peer_sequence && *sequence < *sa.peer_sequence) {
        ++turn.dropped.repeated;
        return;
    }
    sa.peer_sequence = sequence;
    send(turn, facts, sa, NotifyType::r_u_there_ack, *sequence);
}

} // namespace viaduct::ike::v1
