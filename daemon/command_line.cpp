#include "daemon/command_line.h"

#include <boost/program_options.hpp>

#include <sstream>
#include <vector>

namespace viaduct::daemon {

namespace {

namespace po = boost::program_options;

po::options_description described_options() {
    po::options_description options("Options");
    auto add = options.add_options();
    add("config", po::value<std::string>()->value_name("FILE|DIR"),
        "router files: one TOML file, or a folder of them\n(default /etc/viaduct/routers/)");
    add("check", "check the configuration, print every mistake, and end");
    add("remove-guard", po::value<std::string>()->implicit_value("configured")->value_name("all"),
        "take away what an ended daemon left in the routers' namespaces, and end; =all: in every "
        "namespace under /run/netns and the own one, too");
    add("foreground", "log to the terminal instead of syslog");
    add("debug", po::value<std::string>()->value_name("AREA=LEVEL,..."),
        "areas policy, ike, xfrm, netns, daemon, all; levels error, warn, info, debug, trace or "
        "0 to 4; 'keys' alone shows the ESP keys");
    add("kernel", po::value<std::string>()->value_name("xfrm|none|dry-run"),
        "none: negotiate for real, install nothing");
    add("dry-run", "same as --kernel dry-run: say what would go into the kernel");
    add("ike-port", po::value<std::string>()->value_name("PORT"),
        "instead of 500, for routers without ike_port");
    add("nat-port", po::value<std::string>()->value_name("PORT"),
        "instead of 4500, for routers without nat_port");
    add("only", po::value<std::string>()->value_name("CONNECTION"), "serve this connection alone");
    add("control", po::value<std::string>()->value_name("PATH"),
        "control socket (default /run/viaduct/control.sock)");
    add("control-group", po::value<std::string>()->value_name("GROUP"),
        "group that may use the control socket");
    add("shared-table", "let others change the routers' nftables table; it is put back at once. "
                        "Else the kernel keeps them from it, since Linux 6.9");
    add("process-namespaces", "keep CAP_SYS_PTRACE, so that a router's netns may be "
                              "/proc/PID/ns/net");
    add("version", "print the version and end");
    add("help", "print this and end");
    return options;
}

std::string text_of(const po::variables_map& given, const char* name) {
    return given.count(name) != 0 ? given[name].as<std::string>() : std::string();
}

std::expected<void, std::string> read_port(const po::variables_map& given, const char* name,
                                           std::uint16_t& port) {
    if (given.count(name) == 0) {
        return {};
    }
    const auto text = text_of(given, name);
    const bool digits = !text.empty() && text.size() <= 5 &&
                        text.find_first_not_of("0123456789") == std::string::npos;
    const unsigned long number = digits ? std::stoul(text) : 0;
    if (number == 0 || number > 65535) {
        return std::unexpected("--" + std::string(name) + ": '" + text +
                               "' is no port (1 to 65535)");
    }
    port = static_cast<std::uint16_t>(number);
    return {};
}

std::expected<KernelChoice, std::string> read_kernel(const po::variables_map& given) {
    const auto text = text_of(given, "kernel");
    if (given.count("dry-run") != 0) {
        if (!text.empty() && text != "dry-run") {
            return std::unexpected("--dry-run and --kernel " + text + " exclude each other");
        }
        return KernelChoice::dry_run;
    }
    if (text.empty() || text == "xfrm") {
        return KernelChoice::xfrm;
    }
    if (text == "none") {
        return KernelChoice::none;
    }
    if (text == "dry-run") {
        return KernelChoice::dry_run;
    }
    return std::unexpected("--kernel: '" + text + "' is none of xfrm, none, dry-run");
}

std::expected<void, std::string> read_ports(const po::variables_map& given,
                                            DaemonOptions& options) {
    if (auto port = read_port(given, "ike-port", options.ike_port); !port) {
        return port;
    }
    if (auto port = read_port(given, "nat-port", options.nat_port); !port) {
        return port;
    }
    if (options.ike_port == options.nat_port) {
        return std::unexpected("--ike-port and --nat-port must differ");
    }
    return {};
}

DaemonOptions::Action read_action(const po::variables_map& given) {
    if (given.count("help") != 0) {
        return DaemonOptions::Action::show_help;
    }
    if (given.count("version") != 0) {
        return DaemonOptions::Action::show_version;
    }
    if (given.count("remove-guard") != 0) {
        return DaemonOptions::Action::remove_guard;
    }
    return given.count("check") != 0 ? DaemonOptions::Action::check : DaemonOptions::Action::run;
}

std::expected<bool, std::string> read_everywhere(const po::variables_map& given) {
    const auto text = text_of(given, "remove-guard");
    if (!text.empty() && text != "configured" && text != "all") {
        return std::unexpected("--remove-guard: '" + text + "' is neither all nor configured");
    }
    return text == "all";
}

std::expected<DaemonOptions, std::string> read_options(const po::variables_map& given) {
    DaemonOptions options;
    options.action = read_action(given);
    options.foreground = given.count("foreground") != 0;
    options.shared_table = given.count("shared-table") != 0;
    options.process_namespaces = given.count("process-namespaces") != 0;
    options.only = text_of(given, "only");
    options.control_group = text_of(given, "control-group");
    if (given.count("config") != 0) {
        options.config = text_of(given, "config");
    }
    if (given.count("control") != 0) {
        options.control = text_of(given, "control");
    }
    if (given.count("debug") != 0) {
        auto levels = LogLevels::parse(text_of(given, "debug"));
        if (!levels) {
            return std::unexpected(levels.error());
        }
        options.log = *levels;
    }
    const auto everywhere = read_everywhere(given);
    if (!everywhere) {
        return std::unexpected(everywhere.error());
    }
    options.everywhere = *everywhere;
    auto kernel = read_kernel(given);
    if (!kernel) {
        return std::unexpected(kernel.error());
    }
    options.kernel = *kernel;
    if (auto ports = read_ports(given, options); !ports) {
        return std::unexpected(ports.error());
    }
    return options;
}

} // namespace

std::expected<DaemonOptions, std::string>
parse_command_line(std::span<const std::string> arguments) {
    try {
        // No guessing: an abbreviated option would change its meaning with a later version.
        const auto style =
            po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        const auto options = described_options();
        po::variables_map given;
        po::store(
            po::command_line_parser(std::vector<std::string>(arguments.begin(), arguments.end()))
                .options(options)
                .positional({})
                .style(style)
                .run(),
            given);
        return read_options(given);
    } catch (const po::error& mistake) {
        return std::unexpected(mistake.what());
    }
}

std::string command_line_help() {
    std::ostringstream out;
    out << "viaductd: negotiates IPsec tunnels for the routers of this node\n\n"
        << "usage: viaductd [OPTION...]\n\n"
        << described_options()
        << "\nSIGHUP reads the configuration again; SIGTERM and SIGINT close every tunnel and "
           "end.\n"
           "exit status: 0 ended as asked, 1 mistakes or a failed start, 2 wrong usage\n";
    return out.str();
}

} // namespace viaduct::daemon
