#include "ike/v1/message_ids.h"

#include <array>

namespace viaduct::ike::v1 {

wire::MessageId MessageIds::draw(Botan::RandomNumberGenerator& rng) {
    for (;;) {
        std::array<std::uint8_t, 4> octets;
        rng.randomize(octets);
        const wire::MessageId id{std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                                 std::uint32_t{octets[2]} << 8 | octets[3]};
        if (id != wire::MessageId{} && used_.insert(id).second)
            return id;
    }
}

bool MessageIds::use(wire::MessageId id) {
    return !are_exhausted() && used_.insert(id).second;
}

} // namespace viaduct::ike::v1
