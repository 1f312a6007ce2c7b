#include "ike/v2/message_ids.h"

namespace viaduct::ike::v2 {

wire::MessageId following(wire::MessageId id) {
    return wire::MessageId{static_cast<std::uint32_t>(id) + 1};
}

RequestVerdict judge_request(const Established& sa, wire::MessageId id) {
    if (id == sa.expected_request)
        return RequestVerdict::fresh;
    if (following(id) == sa.expected_request && !sa.last_response.empty())
        return RequestVerdict::repeated;
    return RequestVerdict::outside;
}

} // namespace viaduct::ike::v2
