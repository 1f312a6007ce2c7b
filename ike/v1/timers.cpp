#include "ike/v1/timers.h"

#include "ike/v1/succession.h"

#include <algorithm>

namespace viaduct::ike::v1 {

std::chrono::seconds agreed_lifetime(const policy::Connection& connection,
                                     std::optional<std::chrono::seconds> peer) {
    const auto ours = connection.ike.lifetime;
    return peer && *peer > std::chrono::seconds::zero()
               ? shorter_of(ours, static_cast<std::uint64_t>(peer->count()))
               : ours;
}

std::chrono::seconds shorter_of(std::chrono::seconds ours, std::uint64_t theirs) {
    constexpr std::uint64_t shortest = 2;
    const auto others = std::max(theirs, shortest);
    return others < static_cast<std::uint64_t>(ours.count())
               ? std::chrono::seconds(static_cast<std::int64_t>(others))
               : ours;
}

bool is_shorter_than_offered(std::chrono::seconds lifetime,
                             std::optional<std::chrono::seconds> offered) {
    return offered && lifetime < *offered;
}

wire::v1::Lifetimes told_lifetimes(std::span<const wire::v1::NotifyPayload> notifies,
                                   policy::ProtocolId protocol) {
    wire::v1::Lifetimes told;
    const auto shorten = [](std::optional<std::uint64_t>& to, std::uint64_t value) {
        to = to ? std::min(*to, value) : value;
    };
    for (const auto& each : notifies) {
        if (each.type != wire::v1::NotifyType::responder_lifetime || each.protocol != protocol)
            continue;
        const auto life = wire::v1::read_responder_lifetime(each);
        if (life && life->seconds && *life->seconds > 1)
            shorten(told.seconds, *life->seconds);
        if (life && life->kilobytes && *life->kilobytes > 0)
            shorten(told.kilobytes, *life->kilobytes);
    }
    return told;
}

wire::v1::NotifyPayload responder_lifetime(const IkeSaFacts& facts, std::chrono::seconds lifetime) {
    return wire::v1::responder_lifetime(
        policy::ProtocolId::ike, wire::v1::spi_of({facts.initiator_spi, facts.responder_spi}),
        {.seconds = static_cast<std::uint64_t>(lifetime.count()), .kilobytes = std::nullopt});
}

std::optional<TimePoint> liveness_due(const Established& sa) {
    const auto interval = sa.connection->dpd.interval;
    if (interval == std::chrono::seconds::zero() || sa.questioned || !sa.peer.dead_peer_detection)
        return std::nullopt;
    // The kernel was asked in this round already: it has a moment to say that traffic came in.
    if (sa.traffic_asked && *sa.traffic_asked >= sa.last_heard + interval)
        return *sa.traffic_asked + traffic_answer_time;
    return sa.last_heard + interval;
}

TimePoint next_deadline(const Established& sa) {
    auto earliest = std::min(sa.expire_at, next_child_deadline(sa));
    const auto consider = [&](const std::optional<TimePoint>& time) {
        if (time)
            earliest = std::min(earliest, *time);
    };
    if (sa.last)
        consider(sa.last_until);
    if (sa.asked)
        consider(sa.asked->request.timer.deadline());
    if (sa.questioned)
        consider(sa.questioned->timer.deadline());
    for (const auto& each : sa.answered)
        consider(each.answer.timer.deadline());
    for (const auto& each : sa.over)
        consider(each.until);
    for (const auto& each : sa.deleted)
        consider(each.again_at);
    consider(liveness_due(sa));
    if (sa.superseded)
        return earliest;
    consider(sa.replace_at);
    consider(sa.create_children_at);
    return earliest;
}

} // namespace viaduct::ike::v1
