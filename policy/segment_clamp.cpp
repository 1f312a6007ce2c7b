#include "policy/segment_clamp.h"

#include "policy/esp_overhead.h"
#include "policy/tunnel_interface.h"

#include <algorithm>

namespace viaduct::policy {

std::vector<ClampedPair> clamped_pairs(const ChildSa& child, std::uint32_t path_mtu,
                                       std::uint16_t packet_limit) {
    if (child.mode == EspMode::transport) {
        return {};
    }
    const auto carrier = child.encapsulation ? EspCarrier::udp : EspCarrier::ip;
    const auto overhead = esp_overhead(child.suite, child.local_address.family(), carrier);
    std::size_t packet = overhead.longest_inner(path_mtu);
    if (packet_limit != 0) {
        packet = std::min<std::size_t>(packet, packet_limit);
    }
    std::vector<ClampedPair> result;
    for (const ProtectedPair& pair : pairs_of(child.local_selectors, child.remote_selectors)) {
        const auto family = pair.local_start.family();
        // An interface's MTU tells, but for IPv6 it cannot tell less than that.
        if (child.if_id == 0 || (family == AddressFamily::ipv6 && packet < lowest_ipv6_mtu)) {
            result.push_back({pair, segment_in(packet, family)});
        }
    }
    return result;
}

} // namespace viaduct::policy
