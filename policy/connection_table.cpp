#include "policy/connection_table.h"

#include "policy/ikev1_limits.h"
#include "policy/nearest_name.h"
#include "policy/printable.h"
#include "policy/tunnel_table.h"

#include <algorithm>
#include <array>

namespace viaduct::policy {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_subnets = 128;
constexpr std::size_t max_psk = 1024;
constexpr std::chrono::seconds longest_dpd_interval = 24h;
/// A NAT forgets within minutes.
constexpr std::chrono::seconds longest_nat_keepalive = 5min;
constexpr std::size_t max_children = 1024;

constexpr std::array<std::string_view, 27> connection_keys{"name",
                                                           "ike",
                                                           "esp",
                                                           "local_address",
                                                           "peer_address",
                                                           "local_id",
                                                           "peer_id",
                                                           "psk",
                                                           "psk_file",
                                                           "start",
                                                           "dpd",
                                                           "local_subnets",
                                                           "remote_subnets",
                                                           "close_action",
                                                           "unique",
                                                           "children",
                                                           "encapsulation",
                                                           "nat_keepalive",
                                                           "peer_port",
                                                           "peer_nat_port",
                                                           "psk_hex",
                                                           "interface",
                                                           "routes",
                                                           "interface_addresses",
                                                           "mtu",
                                                           "leak_guard",
                                                           "aggressive"};
constexpr std::array<std::string_view, 2> dpd_keys{"interval", "action"};

// The words stand in the order of the enumerations.
constexpr std::array<std::string_view, 3> start_words{"respond", "initiate", "on-demand"};
constexpr std::array<std::string_view, 2> dpd_action_words{"clear", "restart"};
constexpr std::array<std::string_view, 2> close_action_words{"clear", "restart"};
constexpr std::array<std::string_view, 3> unique_words{"replace", "keep", "never"};
constexpr std::array<std::string_view, 2> children_words{"one", "per-pair"};
constexpr std::array<std::string_view, 2> encapsulation_words{"auto", "always"};

constexpr std::string_view address_example = "10.10.10.5";
constexpr std::string_view id_example = "gw.example.org";

void read_name(const TomlTable& table, Connection& connection) {
    table.require("name", "\"vpn1\"");
    const auto name = table.text("name", "vpn1");
    if (!name)
        return;
    connection.name = name->text;
    if (!is_plain_name(name->text))
        table.mistake("name", "the name " + in_quotes(name->text) + " is not allowed; expected " +
                                  std::string(plain_name_rule));
}

template <typename Policy>
void read_policy_name(const TomlTable& table, std::string_view kind,
                      const std::map<std::string, Policy, std::less<>>& policies, Policy& policy) {
    table.require(kind, "\"NAME\" of an [" + std::string(kind) + ".NAME] table");
    const auto name = table.text(kind, "modern");
    if (!name)
        return;
    if (const auto found = policies.find(name->text); found != policies.end()) {
        policy = found->second;
        return;
    }
    std::vector<std::string_view> names;
    names.reserve(policies.size());
    for (const auto& [key, value] : policies)
        names.push_back(key);
    auto message = "unknown " + std::string(kind) + " policy " + in_quotes(name->text);
    message += names.empty() ? "; the file has no [" + std::string(kind) + ".NAME] table"
                             : suggestion(name->text, names);
    table.mistake(kind, std::move(message));
}

constexpr std::string_view auto_address = "auto";

void read_local_address(const TomlTable& table, Connection& connection) {
    table.require("local_address", "\"10.10.10.5\"");
    const auto text = table.text("local_address", address_example);
    if (!text || text->text == auto_address)
        return;
    const auto address = IpAddress::parse(text->text);
    if (!address || address->is_unspecified())
        table.mistake("local_address", in_quotes(text->text) +
                                           " is no address of a router; expected one such as \"" +
                                           std::string(address_example) + "\"");
    else
        connection.local_address = *address;
}

/// `local_address = "auto"` is the unspecified address of the peer's family: the router's routes
/// say which address it stands for.
void read_auto_address(const TomlTable& table, Connection& connection) {
    const auto text = table.text("local_address", address_example);
    if (!text || text->text != auto_address)
        return;
    const auto* const peer = std::get_if<IpAddress>(&connection.peer_address);
    if (peer == nullptr)
        table.mistake("local_address", "local_address = \"auto\" needs a peer_address that is an "
                                       "address");
    else
        connection.local_address = IpAddress::unspecified(peer->family());
    if (!table.has("local_id"))
        table.mistake("local_address", "local_address = \"auto\" needs a local_id, since the "
                                       "address may change");
}

/// A DNS name, and nothing that an identity could be besides.
bool is_dns_name(std::string_view text) {
    const auto identity = Identity::parse(text);
    return identity && identity->type == IdentityType::fqdn && !text.starts_with('@') &&
           text.size() <= 253;
}

void read_peer_address(const TomlTable& table, Connection& connection) {
    table.require("peer_address", "\"10.10.10.4\", a DNS name or \"any\"");
    const auto text = table.text("peer_address", "10.10.10.4");
    if (!text)
        return;
    const auto address = IpAddress::parse(text->text);
    if (text->text == "any")
        connection.peer_address = AnyPeer{};
    else if (address && address->is_unspecified())
        table.mistake("peer_address", in_quotes(text->text) +
                                          " is nobody's; expected \"any\" for a "
                                          "peer with an unknown address");
    else if (address)
        connection.peer_address = *address;
    else if (is_dns_name(text->text))
        connection.peer_address = PeerName{text->text};
    else
        table.mistake("peer_address", in_quotes(text->text) +
                                          " is neither an address nor a DNS name; expected one "
                                          "such as \"10.10.10.4\", or \"any\"");
}

void compare_addresses(const TomlTable& table, const Connection& connection) {
    const auto* const peer = std::get_if<IpAddress>(&connection.peer_address);
    if (peer == nullptr || connection.local_address.is_unspecified() || peer->is_unspecified())
        return;
    if (peer->family() != connection.local_address.family())
        table.mistake("peer_address", "local_address " + connection.local_address.to_string() +
                                          " and peer_address " + peer->to_string() +
                                          " are of different families");
    else if (*peer == connection.local_address)
        table.mistake("peer_address", "peer_address is the same as local_address");
}

IdentityPattern default_peer_id(const PeerAddress& peer) {
    if (const auto* const address = std::get_if<IpAddress>(&peer))
        return IdentityPattern::exactly(Identity::from_address(*address));
    if (const auto* const name = std::get_if<PeerName>(&peer))
        return IdentityPattern::parse(name->name).value_or(IdentityPattern{});
    return {};
}

constexpr std::string_view id_forms =
    "; expected an address, gw.example.org, name@example.org or keyid:text";

void read_identities(const TomlTable& table, Connection& connection) {
    connection.local_id = Identity::from_address(connection.local_address);
    if (const auto text = table.text("local_id", id_example)) {
        const auto pattern = IdentityPattern::parse(text->text);
        if (pattern && pattern->kind == IdentityPattern::Kind::exact)
            connection.local_id = pattern->identity;
        else
            table.mistake("local_id", in_quotes(text->text) + " is no identity of one gateway" +
                                          std::string(id_forms));
    }
    connection.peer_id = default_peer_id(connection.peer_address);
    if (const auto text = table.text("peer_id", id_example)) {
        if (auto pattern = IdentityPattern::parse(text->text))
            connection.peer_id = std::move(*pattern);
        else
            table.mistake("peer_id", in_quotes(text->text) + " is no identity" +
                                         std::string(id_forms) + ", *.example.org or any");
    }
}

void read_psk_file(const TomlTable& table, const SecretFileReader& read_secret,
                   Connection& connection) {
    const auto name = table.text("psk_file", "/etc/viaduct/vpn1.psk");
    if (!name)
        return;
    auto secret = read_secret ? read_secret(name->text)
                              : std::unexpected(std::string("files are not read here"));
    if (!secret)
        table.mistake("psk_file",
                      "cannot use psk_file " + in_quotes(name->text) + ": " + secret.error());
    else if (secret->empty() || secret->size() > max_psk)
        table.mistake("psk_file", "psk_file " + in_quotes(name->text) + " must hold 1 to " +
                                      std::to_string(max_psk) + " octets");
    else
        connection.psk = std::move(*secret);
}

void read_psk_hex(const TomlTable& table, Connection& connection) {
    const auto digits = table.text("psk_hex", "0123456789abcdef", 2 * max_psk);
    if (!digits)
        return;
    if (auto secret = Secret::from_hexadecimal(digits->text))
        connection.psk = std::move(*secret);
    else
        table.mistake("psk_hex", "psk_hex must hold two hexadecimal digits for each octet");
}

/// The first two that are there, if there are two.
std::pair<std::string_view, std::string_view> secret_keys_of(const TomlTable& table) {
    std::vector<std::string_view> there;
    for (const auto key : {"psk", "psk_hex", "psk_file"})
        if (table.has(key))
            there.emplace_back(key);
    return there.size() > 1 ? std::pair(there[0], there[1])
                            : std::pair<std::string_view, std::string_view>();
}

void read_secret_of(const TomlTable& table, FileAccess access, const SecretFileReader& read_secret,
                    Connection& connection) {
    const bool elsewhere = table.has("psk_file");
    const auto here = table.has("psk_hex") ? "psk_hex" : "psk";
    if (const auto [first, second] = secret_keys_of(table); !second.empty())
        table.mistake(second, table.title() + " has both " + std::string(first) + " and " +
                                  std::string(second) + "; expected one");
    if (!table.has(here) && !elsewhere)
        table.mistake(table.title() + " has neither psk nor psk_file; expected one");
    if (table.has(here) && access == FileAccess::others_may_read)
        table.mistake(here, "a psk is refused in a file that others may read: run 'chmod 600 " +
                                std::string(table.mistakes().file()) +
                                "', or put the secret into a psk_file of its own");
    read_psk_hex(table, connection);
    if (const auto psk = table.text("psk", "a long random secret", max_psk))
        connection.psk = Secret::from_text(psk->text);
    if (elsewhere)
        read_psk_file(table, read_secret, connection);
}

std::vector<TrafficSelector> read_subnets(const TomlTable& table, std::string_view key) {
    std::vector<TrafficSelector> selectors;
    table.require(key, "[\"192.168.10.0/24\"]");
    for (const auto& text : table.texts(key, "192.168.10.0/24", max_subnets)) {
        const auto selector = TrafficSelector::parse(text.text);
        if (!selector) {
            table.mistakes().add(text.place(selector.error().offset), selector.error().message);
            continue;
        }
        if (std::ranges::contains(selectors, *selector))
            table.mistakes().add(text.place(),
                                 in_quotes(text.text) + " is in " + in_quotes(key) + " already");
        selectors.push_back(*selector);
    }
    return selectors;
}

bool protocols_meet(const TrafficSelector& a, const TrafficSelector& b) {
    return a.protocol == b.protocol || a.protocol == 0 || b.protocol == 0;
}

/// RFC 2409 5.5: a quick mode is for one pair.
bool is_per_pair(const Connection& connection) {
    return connection.children == ChildrenShape::per_pair ||
           connection.ike.version == IkeVersion::v1;
}

/// Counts the pairs of selectors that a child SA can have.
void compare_subnets(const TomlTable& table, const Connection& connection) {
    const auto& locals = connection.local_selectors;
    const auto& remotes = connection.remote_selectors;
    if (locals.empty() || remotes.empty())
        return;
    const bool v1 = connection.ike.version == IkeVersion::v1;
    std::size_t of_one_family = 0;
    std::size_t pairs = 0;
    for (const auto& local : locals) {
        for (const auto& remote : remotes) {
            of_one_family += local.family() == remote.family() ? 1u : 0u;
            pairs += local.family() == remote.family() && protocols_meet(local, remote) ? 1u : 0u;
        }
    }
    if (of_one_family == 0)
        table.mistake("remote_subnets",
                      "no address family is in both local_subnets and remote_subnets");
    else if (pairs == 0)
        table.mistake("remote_subnets", "no protocol is in both local_subnets and remote_subnets");
    else if (is_per_pair(connection) && pairs > max_children)
        table.mistake("children", (v1 ? std::string("IKEv1") : "children = \"per-pair\"") +
                                      " makes " + std::to_string(pairs) +
                                      " child SAs of these subnets; expected at most " +
                                      std::to_string(max_children));
}

bool are_all_of(const std::vector<TrafficSelector>& selectors, const IpAddress& address) {
    return std::ranges::all_of(selectors, [&](const TrafficSelector& selector) {
        return selector.start_address == address && selector.end_address == address;
    });
}

/// RFC 4301 4.1: transport mode is for what the ends of an SA say themselves.
void compare_mode(const TomlTable& table, const Connection& connection) {
    // What an interface would carry is refused for another reason.
    if (connection.esp.mode != EspMode::transport || connection.interface)
        return;
    const auto demand = [&](std::string_view key, const std::vector<TrafficSelector>& selectors,
                            const IpAddress& address) {
        if (!are_all_of(selectors, address))
            table.mistake(key, "[esp." + connection.esp.name +
                                   "] has mode = \"transport\", which is for the gateways' own "
                                   "addresses; expected [\"" +
                                   address.to_string() + "\"]");
    };
    if (!connection.local_address.is_unspecified())
        demand("local_subnets", connection.local_selectors, connection.local_address);
    if (const auto* const peer = std::get_if<IpAddress>(&connection.peer_address))
        demand("remote_subnets", connection.remote_selectors, *peer);
}

void read_start(const TomlTable& table, Connection& connection) {
    if (const auto index = table.word("start", start_words))
        connection.start = static_cast<StartAction>(*index);
    if (connection.start != StartAction::respond &&
        std::holds_alternative<AnyPeer>(connection.peer_address))
        table.mistake("start",
                      "start = \"" +
                          std::string(start_words[static_cast<std::size_t>(connection.start)]) +
                          "\" needs a peer_address other than \"any\"");
}

void read_dpd(const TomlTable& table, Connection& connection) {
    const auto* const node = table.table("dpd", "{ interval = \"30s\", action = \"restart\" }");
    if (node == nullptr)
        return;
    const TomlTable dpd(*node, "dpd of " + table.title(), table.mistakes());
    dpd.refuse_keys_except(dpd_keys);
    connection.dpd.interval =
        dpd.duration("interval", 0s, longest_dpd_interval).value_or(connection.dpd.interval);
    if (const auto index = dpd.word("action", dpd_action_words))
        connection.dpd.action = static_cast<DpdAction>(*index);
}

void read_nat_traversal(const TomlTable& table, Connection& connection) {
    auto& nat = connection.nat_traversal;
    if (const auto index = table.word("encapsulation", encapsulation_words))
        nat.force = *index == 1;
    nat.keepalive =
        table.duration("nat_keepalive", 0s, longest_nat_keepalive).value_or(nat.keepalive);
    connection.peer_ports.ike = table.port("peer_port").value_or(connection.peer_ports.ike);
    connection.peer_ports.nat = table.port("peer_nat_port").value_or(connection.peer_ports.nat);
}

/// What one word settles.
void read_choices(const TomlTable& table, Connection& connection) {
    if (const auto index = table.word("close_action", close_action_words))
        connection.close = static_cast<CloseAction>(*index);
    if (const auto index = table.word("unique", unique_words))
        connection.unique = static_cast<Uniqueness>(*index);
    if (const auto index = table.word("children", children_words))
        connection.children = static_cast<ChildrenShape>(*index);
}

} // namespace

Connection read_connection(const TomlTable& table, const NamedPolicies& policies, FileAccess access,
                           const SecretFileReader& read_secret) {
    Connection connection;
    table.refuse_keys_except(connection_keys);
    read_name(table, connection);
    read_policy_name(table, "ike", policies.ike, connection.ike);
    read_policy_name(table, "esp", policies.esp, connection.esp);
    read_local_address(table, connection);
    read_peer_address(table, connection);
    read_auto_address(table, connection);
    compare_addresses(table, connection);
    read_identities(table, connection);
    read_secret_of(table, access, read_secret, connection);
    connection.local_selectors = read_subnets(table, "local_subnets");
    connection.remote_selectors = read_subnets(table, "remote_subnets");
    read_choices(table, connection);
    compare_subnets(table, connection);
    read_start(table, connection);
    read_dpd(table, connection);
    read_nat_traversal(table, connection);
    read_tunnel(table, connection);
    compare_mode(table, connection);
    connection.aggressive = table.boolean("aggressive").value_or(false);
    check_ikev1_connection(table, connection);
    return connection;
}

} // namespace viaduct::policy
