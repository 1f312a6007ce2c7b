#include "policy/wanted_interface.h"

#include "policy/child_sa.h"
#include "policy/printable.h"

#include <algorithm>
#include <map>

namespace viaduct::policy {

namespace {

template <class List> void sort_out(List& list) {
    std::ranges::sort(list);
    const auto repeated = std::ranges::unique(list);
    list.erase(repeated.begin(), repeated.end());
}

std::vector<Subnet> destinations(const Connection& connection) {
    std::vector<Subnet> result;
    for (const auto& selector : connection.remote_selectors)
        std::ranges::copy(selector.subnets(), std::back_inserter(result));
    return result;
}

void add(WantedInterface& wanted, const Connection& connection) {
    const auto& interface = *connection.interface;
    wanted.connections.push_back(&connection);
    if (connection.mtu != 0)
        wanted.mtu = wanted.mtu == 0 ? connection.mtu : std::min(wanted.mtu, connection.mtu);
    std::ranges::copy(interface.addresses, std::back_inserter(wanted.addresses));
    if (interface.routes)
        std::ranges::copy(destinations(connection), std::back_inserter(wanted.routes));
}

bool has_ipv6(const Connection& connection) {
    const auto is_ipv6 = [](const auto& each) {
        return each.address.family() == AddressFamily::ipv6;
    };
    return std::ranges::any_of(connection.interface->addresses, is_ipv6) ||
           std::ranges::any_of(destinations(connection), is_ipv6);
}

/// The interface is as narrow as the narrowest that its connections ask for.
std::optional<std::string> lack_of_ipv6(const Connection& narrow, const Connection& connection) {
    if (narrow.mtu == 0 || narrow.mtu >= lowest_ipv6_mtu || !has_ipv6(connection))
        return std::nullopt;
    const auto whose = &narrow == &connection
                           ? std::string()
                           : " of connection " + in_quotes(narrow.name) + " on the same interface";
    return "with mtu = " + std::to_string(narrow.mtu) + whose + " the interface " +
           in_quotes(connection.interface->name) + " has no IPv6, which connection " +
           in_quotes(connection.name) + " wants; expected at least " +
           std::to_string(lowest_ipv6_mtu) + " (RFC 8200 section 5)";
}

bool share_a_pair(const Connection& one, const Connection& other) {
    const auto shares = [](const auto& left, const auto& right) {
        return std::ranges::any_of(
            left, [&](const auto& each) { return std::ranges::contains(right, each); });
    };
    return shares(one.local_selectors, other.local_selectors) &&
           shares(one.remote_selectors, other.remote_selectors);
}

} // namespace

std::uint32_t interface_id(std::string_view name) {
    std::uint32_t hash = 0x811c9dc5;
    for (const char octet : name)
        hash = (hash ^ static_cast<std::uint8_t>(octet)) * 0x01000193;
    return reqid_mark | ((hash >> 24 ^ hash) & reqid_number_mask);
}

std::uint32_t interface_id(const Connection& connection) {
    return connection.interface ? interface_id(connection.interface->name) : 0;
}

std::vector<WantedInterface> wanted_interfaces(const ConnectionSet& connections) {
    std::map<std::string_view, WantedInterface> by_name;
    for (const auto& connection : connections.connections) {
        if (!connection.interface)
            continue;
        auto& wanted = by_name[connection.interface->name];
        wanted.name = connection.interface->name;
        wanted.if_id = interface_id(connection);
        add(wanted, connection);
    }
    std::vector<WantedInterface> result;
    for (auto& [name, wanted] : by_name) {
        sort_out(wanted.addresses);
        sort_out(wanted.routes);
        result.push_back(std::move(wanted));
    }
    return result;
}

std::optional<std::string> interface_conflict(const ConnectionSet& before,
                                              const Connection& connection) {
    if (!connection.interface)
        return std::nullopt;
    if (auto lack = lack_of_ipv6(connection, connection))
        return lack;
    for (const auto& other : before.connections) {
        if (!other.interface)
            continue;
        const bool same = other.interface->name == connection.interface->name;
        if (!same && interface_id(other) == interface_id(connection))
            return "the interfaces " + in_quotes(other.interface->name) + " and " +
                   in_quotes(connection.interface->name) +
                   " would have the same XFRM interface id; expected another name";
        if (same && share_a_pair(other, connection))
            return "connection " + in_quotes(other.name) +
                   " has the same subnets on the same interface; expected an interface of its own";
        if (!same)
            continue;
        if (auto lack = lack_of_ipv6(other, connection))
            return lack;
        if (auto lack = lack_of_ipv6(connection, other))
            return lack;
    }
    return std::nullopt;
}

std::optional<std::string> route_conflict(const Connection& connection) {
    if (!connection.interface || !connection.interface->routes)
        return std::nullopt;
    const auto* const peer = std::get_if<IpAddress>(&connection.peer_address);
    for (const auto& subnet : destinations(connection)) {
        const bool leads_in_circles =
            peer != nullptr ? subnet.contains(*peer)
                            : subnet.prefix_length == 0 &&
                                  subnet.address.family() == connection.local_address.family();
        if (leads_in_circles)
            return "a route to " + subnet.to_string() +
                   " would lead IKE and ESP to the peer into the tunnel itself; expected routes = "
                   "false, and routes of your own or a routing daemon";
    }
    return std::nullopt;
}

} // namespace viaduct::policy
