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

bool are_between_gateways(const policy::UdpPath& path,
                          std::span<const policy::TrafficSelector> local,
                          std::span<const policy::TrafficSelector> remote) {
    return are_all_of(local, path.local.address) && are_all_of(remote, path.remote.address);
}

} // namespace viaduct::ike
