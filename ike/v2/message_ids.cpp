#include "ike/v2/message_ids.h"

#include <algorithm>

namespace viaduct::ike::v2 {

wire::MessageId following(wire::MessageId id) {
    return wire::MessageId{static_cast<std::uint32_t>(id) + 1};
}

void note_message_id(const Turn& turn, Established& sa, wire::MessageId id) {
    if (static_cast<std::uint32_t>(id) == turn.settings.last_message_id / 2)
        sa.replace_at = std::min(sa.replace_at, turn.now);
}

bool out_of_message_ids(const Turn& turn, const Established& sa) {
    return static_cast<std::uint32_t>(std::max(sa.next_request, sa.expected_request)) >=
           turn.settings.last_message_id;
}

RequestVerdict judge_request(const Established& sa, wire::MessageId id) {
    if (id == sa.expected_request)
        return RequestVerdict::fresh;
    if (following(id) == sa.expected_request && !sa.last_response.empty())
        return RequestVerdict::repeated;
    return RequestVerdict::outside;
}

} // namespace viaduct::ike::v2
