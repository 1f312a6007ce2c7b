#include "ike/transport_mode.h"

#include <algorithm>

namespace viaduct::ike {

namespace {

bool are_all_of(std::span<const policy::TrafficSelector> selectors,
                const policy::IpAddress& address) {
    return std::ranges::all_of(selectors, [&](const policy::TrafficSelector& selector) {
        return selector.start_address == address && selector.end_address == address;
    });
}

} // namespace

policy::EspMode mode_between(const IkeSaFacts& facts, const policy::Connection& connection,
                             std::span<const policy::TrafficSelector> local,
                             std::span<const policy::TrafficSelector> remote) {
    const bool fits = !facts.nat.found() && are_all_of(local, facts.path.local.address) &&
                      are_all_of(remote, facts.path.remote.address);
    return fits ? connection.esp.mode : policy::EspMode::tunnel;
}

} // namespace viaduct::ike
