#include "ike/v2/reauthentication.h"

#include "ike/v2/failure_notify.h"
#include "ike/v2/timers.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

/// Earlier than asked for by this part, so that the new SA is up before the old one ends.
constexpr int margin_divisor = 10;
/// Whatever a peer asks for: each authentication costs both sides a key exchange.
constexpr auto shortest_time = std::chrono::seconds(1);
/// The peer counts from when it has heard of the end, which may take some repetitions.
constexpr auto response_time = std::chrono::seconds(60);

void reauthenticate_within(Turn& turn, Established& sa, std::chrono::seconds time) {
    const std::chrono::milliseconds whole = std::max(time, shortest_time);
    const auto margin = whole / margin_divisor;
    const auto at = turn.now + whole - margin - between({}, margin, turn.rng);
    sa.reauthenticate_at = std::min(sa.reauthenticate_at.value_or(at), at);
}

} // namespace

void plan_reauthentication(Turn& turn, Established& sa) {
    const auto time = sa.connection->ike.reauthentication;
    if (time == std::chrono::seconds::zero())
        return;
    // RFC 4478 3: a responder announces the end and then keeps to it.
    if (sa.first_role == Role::initiator)
        reauthenticate_within(turn, sa, time);
    else
        sa.authentication_ends = turn.now + time + response_time;
}

void consider_auth_lifetime(Turn& turn, Established& sa,
                            std::span<const wire::NotifyPayload> notifies) {
    for (const auto& each : notifies) {
        if (each.type != wire::NotifyType::auth_lifetime || each.data.size() != 4)
            continue;
        const auto seconds = std::uint32_t{each.data[0]} << 24 | std::uint32_t{each.data[1]} << 16 |
                             std::uint32_t{each.data[2]} << 8 | each.data[3];
        if (sa.first_role == Role::initiator)
            reauthenticate_within(turn, sa, std::chrono::seconds(seconds));
    }
}

std::optional<wire::NotifyPayload> auth_lifetime_notify(const policy::Connection& connection) {
    const auto seconds = static_cast<std::uint32_t>(connection.ike.reauthentication.count());
    if (seconds == 0)
        return std::nullopt;
    auto notify = plain_notify(wire::NotifyType::auth_lifetime);
    notify.data = {static_cast<std::uint8_t>(seconds >> 24),
                   static_cast<std::uint8_t>(seconds >> 16),
                   static_cast<std::uint8_t>(seconds >> 8), static_cast<std::uint8_t>(seconds)};
    return notify;
}

} // namespace viaduct::ike::v2
