#include "policy/connection_file.h"

#include "policy/connection_table.h"
#include "policy/printable.h"
#include "policy/wanted_interface.h"

#include <algorithm>
#include <array>

namespace viaduct::policy {

namespace {

constexpr std::size_t max_file = 1024 * 1024;
constexpr std::size_t max_connections = 1024;
/// toml++ makes one table inside another for every dot in a key, and frees them recursively.
constexpr std::ptrdiff_t max_dots_in_line = 512;

constexpr std::array<std::string_view, 4> root_keys{"router", "ike", "esp", "connection"};
constexpr std::int64_t largest_cookie_threshold = 10000;
constexpr std::array<std::string_view, 5> router_keys{"name", "netns", "ike_port", "nat_port",
                                                      "cookie_threshold"};

/// Refuses what would make the parser use much memory or stack.
bool is_within_bounds(std::string_view text, Mistakes& mistakes) {
    if (text.size() > max_file) {
        mistakes.add("the file is longer than " + std::to_string(max_file) + " octets");
        return false;
    }
    for (toml::source_index line = 1; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        if (std::ranges::count(text.substr(0, end), '.') > max_dots_in_line) {
            mistakes.add({line, 1}, "more than " + std::to_string(max_dots_in_line) +
                                        " dots in one line; expected a shorter line");
            return false;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

std::string_view line_of(std::string_view text, toml::source_index line) {
    for (; line > 1 && !text.empty(); --line)
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    return text.substr(0, text.find('\n'));
}

/// What toml++ says, without the part of the file that it quotes: that could be a secret. What it
/// quotes behind "expected" is its own.
std::string_view without_quotation(std::string_view message) {
    message = message.substr(0, message.find(", saw '"));
    const auto quote = message.find(" '");
    return message.substr(0, message.find("expected") < quote ? message.npos : quote);
}

void add_syntax_error(std::string_view text, const toml::parse_error& error, Mistakes& mistakes) {
    const auto place = error.source().begin;
    auto message = without_quotation(error.description());
    if (ascii_lower(line_of(text, place.line)).contains("psk"))
        message = "expected psk = \"secret\"";
    mistakes.add(place, "not TOML: " + printable(message));
}

void read_ports(const TomlTable& table, Router& router) {
    router.ike_port = table.port("ike_port");
    router.nat_port = table.port("nat_port");
    const auto ike = router.ike_port.value_or(PeerPorts().ike);
    const auto nat = router.nat_port.value_or(PeerPorts().nat);
    if (ike != nat)
        return;
    // ESP in UDP and IKE without a marker cannot be told apart.
    const auto* const own = router.nat_port ? "nat_port" : "ike_port";
    const auto* const other = router.nat_port ? "ike_port" : "nat_port";
    table.mistake(own, in_quotes(own) + ": " + in_quotes(other) + " is " + std::to_string(ike) +
                           (router.ike_port && router.nat_port ? "" : " by default") +
                           "; expected another port");
}

void read_router(const TomlTable& root, Router& router) {
    if (!root.has("router"))
        root.mistakes().add("no [router] table; expected [router] with name = \"router1\"");
    const auto* const node = root.table("router", "[router]");
    if (node == nullptr)
        return;
    const TomlTable table(*node, "[router]", root.mistakes());
    table.refuse_keys_except(router_keys);
    table.require("name", "\"router1\"");
    if (const auto name = table.text("name", "router1")) {
        router.name = name->text;
        if (!is_plain_name(name->text))
            table.mistake("name", "the name " + in_quotes(name->text) +
                                      " is not allowed; expected " + std::string(plain_name_rule));
    }
    if (const auto netns = table.text("netns", "router1")) {
        router.netns = netns->text;
        const bool name = !netns->text.contains('/') && netns->text != "." && netns->text != "..";
        if ((!name && !netns->text.starts_with('/')) || !is_printable(netns->text))
            table.mistake("netns", in_quotes(netns->text) +
                                       " is neither a name under /run/netns nor an absolute path");
    }
    read_ports(table, router);
    if (const auto threshold = table.integer("cookie_threshold", 0, largest_cookie_threshold))
        router.cookie_threshold = static_cast<std::uint16_t>(*threshold);
}

/// The name as far as it can be told, for messages about the rest of the table.
std::string connection_title(const toml::table& table, std::size_t index) {
    if (const auto name = table["name"].value<std::string_view>(); name && !name->empty())
        return "connection " + in_quotes(*name);
    return "connection number " + std::to_string(index + 1);
}

void read_connections(const TomlTable& root, const toml::table& tree, FileAccess access,
                      const SecretFileReader& read_secret, ConnectionSet& set) {
    const auto policies = read_policies(root);
    const auto* const node = tree.get("connection");
    if (node == nullptr)
        return;
    const auto* const tables = node->as_array();
    if (tables == nullptr || !tables->is_homogeneous<toml::table>()) {
        root.mistake("connection",
                     "expected [[connection]] tables, found " +
                         std::string(tables == nullptr || !tables->empty() ? type_name(*node)
                                                                           : "an empty array"));
        return;
    }
    if (tables->size() > max_connections) {
        root.mistake("connection",
                     "more than " + std::to_string(max_connections) + " connections in one file");
        return;
    }
    std::map<std::string, toml::source_position> seen;
    for (std::size_t i = 0; i < tables->size(); ++i) {
        const auto& connection = *tables->get(i)->as_table();
        const TomlTable table(connection, connection_title(connection, i), root.mistakes());
        auto made = read_connection(table, policies, access, read_secret);
        if (const auto conflict = interface_conflict(set, made))
            table.mistake("interface", *conflict);
        set.connections.push_back(std::move(made));
        const auto& name = set.connections.back().name;
        const auto [first, is_new] = seen.emplace(name, table.place());
        if (!is_new && !name.empty())
            table.mistake("name", "there is a connection " + in_quotes(name) +
                                      " already, in line " + std::to_string(first->second.line));
    }
}

} // namespace

std::string FileMistake::to_string() const {
    if (line == 0)
        return file + ": " + message;
    return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message;
}

std::expected<Router, std::vector<FileMistake>>
parse_connection_file(std::string_view file, std::string_view text, FileAccess access,
                      const SecretFileReader& read_secret) {
    Mistakes mistakes(file);
    Router router;
    if (is_within_bounds(text, mistakes)) {
        const auto parsed = toml::parse(text);
        if (!parsed) {
            add_syntax_error(text, parsed.error(), mistakes);
        } else {
            const TomlTable root(parsed.table(), "the file", mistakes);
            root.refuse_keys_except(root_keys);
            read_router(root, router);
            read_connections(root, parsed.table(), access, read_secret, router.connections);
        }
    }
    if (!mistakes.empty())
        return std::unexpected(mistakes.in_order());
    return router;
}

RouterPlaces router_places(std::string_view text) {
    RouterPlaces places;
    Mistakes mistakes("");
    if (!is_within_bounds(text, mistakes))
        return places;
    const auto parsed = toml::parse(text);
    if (!parsed)
        return places;
    if (const auto name = parsed.table()["router"]["name"]) {
        const auto at = name.node()->source().begin;
        places = {at.line, at.column, at.line, at.column};
    }
    if (const auto netns = parsed.table()["router"]["netns"]) {
        const auto at = netns.node()->source().begin;
        places.netns_line = at.line;
        places.netns_column = at.column;
    }
    return places;
}

} // namespace viaduct::policy
