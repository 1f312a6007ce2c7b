#include "policy/tunnel_table.h"

#include "policy/printable.h"
#include "policy/wanted_interface.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

constexpr std::size_t max_interface_addresses = 16;
/// RFC 791: what every host takes. For IPv6 on an interface see interface_conflict(); without one
/// the kernel refuses longer packets, and TCP keeps to it.
constexpr std::int64_t smallest_mtu = 576;
constexpr std::int64_t largest_mtu = 65535;
constexpr std::string_view address_example = "169.254.10.1/30";

std::vector<InterfaceAddress> read_addresses(const TomlTable& table) {
    std::vector<InterfaceAddress> addresses;
    for (const auto& text :
         table.texts("interface_addresses", address_example, max_interface_addresses)) {
        const auto address = InterfaceAddress::parse(text.text);
        if (!address || address->address.is_unspecified())
            table.mistakes().add(text.place(), in_quotes(text.text) +
                                                   " is no address of an interface; expected one "
                                                   "such as " +
                                                   in_quotes(address_example));
        else if (std::ranges::contains(addresses, *address))
            table.mistakes().add(text.place(), in_quotes(text.text) + " is in the list already");
        else
            addresses.push_back(*address);
    }
    return addresses;
}

void read_interface(const TomlTable& table, Connection& connection) {
    const auto name = table.text("interface", "vti-vpn1");
    if (!table.has("interface")) {
        for (const auto key : {"interface_addresses", "routes"})
            if (table.has(key))
                table.mistake(key, in_quotes(key) + " needs an 'interface'");
        return;
    }
    TunnelInterface interface;
    if (name && !is_interface_name(name->text))
        table.mistake("interface", in_quotes(name->text) +
                                       " is no name of an interface; expected 1 to 15 characters "
                                       "without white space, '/', ':' and '%'");
    if (name)
        interface.name = name->text;
    if (table.has("interface_addresses"))
        interface.addresses = read_addresses(table);
    interface.routes = table.boolean("routes").value_or(interface.routes);
    connection.interface = std::move(interface);
    if (const auto conflict = route_conflict(connection))
        table.mistake("interface", *conflict);
    if (connection.esp.mode == EspMode::transport)
        table.mistake("interface", "an 'interface' needs tunnel mode; the IPsec policy " +
                                       in_quotes(connection.esp.name) +
                                       " has mode = \"transport\"");
}

} // namespace

void read_tunnel(const TomlTable& table, Connection& connection) {
    read_interface(table, connection);
    connection.mtu = static_cast<std::uint16_t>(
        table.integer("mtu", smallest_mtu, largest_mtu).value_or(connection.mtu));
    connection.leak_guard = table.boolean("leak_guard").value_or(connection.leak_guard);
}

} // namespace viaduct::policy
