#include "ike/v1/message_ids.h"

#include <array>

namespace viaduct::ike::v1 {

namespace {

constexpr std::size_t remembered = 4096;

} // namespace

wire::MessageId MessageIds::draw(Botan::RandomNumberGenerator& rng) {
    for (;;) {
        std::array<std::uint8_t, 4> octets;
        rng.randomize(octets);
        const wire::MessageId id{std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                                 std::uint32_t{octets[2]} << 8 | octets[3]};
        if (id != wire::MessageId{} && use(id))
            return id;
    }
}

bool MessageIds::use(wire::MessageId id) {
    if (!used_.insert(id).second)
        return false;
    order_.push_back(id);
    if (order_.size() > remembered) {
        used_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

} // namespace viaduct::ike::v1
