#include "daemon/cli/client_options.h"

#include "daemon/command_line.h"

#include <boost/program_options.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <vector>

namespace viaduct::daemon {

namespace {

namespace po = boost::program_options;

po::options_description described_options() {
    po::options_description options("Options");
    auto add = options.add_options();
    add("control", po::value<std::string>()->value_name("PATH"),
        "the daemon's socket (default /run/viaduct/control.sock)");
    add("json", "print JSON (all but version)");
    add("verbose,v", "status: with SPIs, drop counters and the last messages");
    add("no-wait", "up: answer at once");
    add("timeout", po::value<unsigned>()->value_name("SECONDS"),
        "up: wait at most so long (default 60)");
    add("ike", "rekey: the IKE SA instead of its child SAs");
    add("version", "print the client's version and end");
    add("help,h", "print this and end");
    return options;
}

po::variables_map parse(std::span<const std::string> arguments) {
    auto options = described_options();
    options.add_options()("words", po::value<std::vector<std::string>>());
    po::positional_options_description positions;
    positions.add("words", -1);
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::variables_map given;
    po::store(po::command_line_parser(std::vector<std::string>(arguments.begin(), arguments.end()))
                  .options(options)
                  .positional(positions)
                  .style(style)
                  .run(),
              given);
    return given;
}

std::optional<ControlCommand> command_named(const std::string& word) {
    constexpr std::array<std::pair<std::string_view, ControlCommand>, 8> commands{
        {{"status", ControlCommand::status},
         {"up", ControlCommand::up},
         {"down", ControlCommand::down},
         {"reload", ControlCommand::reload},
         {"version", ControlCommand::version},
         {"rekey", ControlCommand::rekey},
         {"plan", ControlCommand::plan},
         {"repair", ControlCommand::repair}}};
    const auto* found =
        std::ranges::find(commands, word, [](const auto& row) { return row.first; });
    return found == commands.end() ? std::nullopt : std::optional(found->second);
}

std::expected<void, std::string> read_words(const std::vector<std::string>& words,
                                            ControlRequest& request) {
    if (words.empty()) {
        return std::unexpected(
            "expected a command: status, up, down, rekey, reload, plan, repair or "
            "version");
    }
    const auto command = command_named(words[0]);
    if (!command) {
        return std::unexpected("unknown command '" + words[0] +
                               "' (status, up, down, rekey, reload, plan, repair, version)");
    }
    request.command = *command;
    const bool wants_name = *command == ControlCommand::up || *command == ControlCommand::down ||
                            *command == ControlCommand::rekey;
    const bool may_have_name =
        *command == ControlCommand::status || *command == ControlCommand::reload ||
        *command == ControlCommand::plan || *command == ControlCommand::repair;
    const std::size_t most = wants_name || may_have_name ? 2 : 1;
    if (words.size() > most) {
        return std::unexpected("'" + words[most] + "' is one argument too many");
    }
    if (wants_name && words.size() < 2) {
        return std::unexpected(words[0] + " needs the name of a connection, NAME or ROUTER/NAME");
    }
    request.name = words.size() == 2 ? words[1] : "";
    return {};
}

std::expected<ClientOptions, std::string> read_options(const po::variables_map& given) {
    ClientOptions options;
    options.control =
        given.count("control") != 0 ? given["control"].as<std::string>() : default_control_path;
    options.json = given.count("json") != 0;
    options.verbose = given.count("verbose") != 0;
    options.request.wait = given.count("no-wait") == 0;
    if (given.count("timeout") != 0) {
        options.request.timeout = given["timeout"].as<unsigned>();
    }
    if (options.request.timeout < 1 || options.request.timeout > 3600) {
        return std::unexpected("--timeout must lie between 1 and 3600 seconds");
    }
    if (given.count("help") != 0 || given.count("version") != 0) {
        options.action = given.count("help") != 0 ? ClientOptions::Action::show_help
                                                  : ClientOptions::Action::show_version;
        return options;
    }
    const auto words = given.count("words") != 0 ? given["words"].as<std::vector<std::string>>()
                                                 : std::vector<std::string>();
    if (auto read = read_words(words, options.request); !read) {
        return std::unexpected(read.error());
    }
    options.request.ike = given.count("ike") != 0;
    if (options.request.ike && options.request.command != ControlCommand::rekey) {
        return std::unexpected("--ike belongs to rekey");
    }
    return options;
}

} // namespace

std::expected<ClientOptions, std::string>
parse_client_options(std::span<const std::string> arguments) {
    try {
        return read_options(parse(arguments));
    } catch (const po::error& mistake) {
        return std::unexpected(mistake.what());
    }
}

std::string client_help() {
    std::ostringstream out;
    out << "viaduct: looks after the tunnels of viaductd\n\n"
           "usage: viaduct [OPTION...] COMMAND\n\n"
           "  status [ROUTER|CONNECTION]   what is up, and why the rest is not\n"
           "  up CONNECTION                bring it up and wait until it is, or say why not\n"
           "  down CONNECTION              close it and leave it down\n"
           "  rekey CONNECTION             make new keys now: of its child SAs, with --ike of its "
           "IKE SA\n"
           "  reload [ROUTER]              read the configuration again; prints what changed\n"
           "  plan [ROUTER]                what in the kernel is not as it was put there, and what "
           "repair would do\n"
           "  repair [ROUTER]              compare and mend it now; the daemon does so by itself "
           "every 5 seconds\n"
           "  version                      the daemon's version\n\n"
           "CONNECTION is NAME, or ROUTER/NAME where a name is used twice.\n\n"
        << described_options()
        << "\nexit status: 0 done; 1 refused or failed (for reload: mistakes in the files);\n"
           "             2 wrong usage; 3 no answer from the daemon\n";
    return out.str();
}

} // namespace viaduct::daemon
