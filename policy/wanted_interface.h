// The XFRM interfaces that a router's connections want.
#pragma once

#include "policy/connection.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

/// The XFRM interface id of an interface with this name: the mark that reqids have too, and a hash
/// (FNV-1a, folded to 24 bits) of the name. So it is the same after a restart and whatever else
/// changes, and an XFRM interface whose id is that of its name is known to be ours.
std::uint32_t interface_id(std::string_view name);
/// Of the connection's interface; 0: it has none.
std::uint32_t interface_id(const Connection& connection);

/// One interface with what all connections that name it say of it.
struct WantedInterface {
    std::string name;
    std::uint32_t if_id = 0;
    /// The smallest that is configured; 0: what fits.
    std::uint16_t mtu = 0;
    /// Sorted, without duplicates.
    std::vector<InterfaceAddress> addresses;
    /// Destinations that are to be routed into it. Sorted, without duplicates.
    std::vector<Subnet> routes;
    /// Where the tunnels behind it begin and end, as far as the peers' addresses are fixed, and the
    /// proposals that they may agree on.
    std::vector<const Connection*> connections;

    friend bool operator==(const WantedInterface&, const WantedInterface&) = default;
};

/// In the order of their names. Refers into the set.
std::vector<WantedInterface> wanted_interfaces(const ConnectionSet& connections);

/// Why a connection cannot have its interface beside those before it in the set: another name with
/// the same id, the same selectors on the same interface, or an MTU that leaves no IPv6 where one
/// of them wants it. Nothing when it can.
std::optional<std::string> interface_conflict(const ConnectionSet& before,
                                              const Connection& connection);
/// Why routes to the remote subnets would lead the tunnel into itself. Nothing when they do not.
std::optional<std::string> route_conflict(const Connection& connection);

} // namespace viaduct::policy
