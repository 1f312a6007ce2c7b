// viaductd: the object graph, from the command line to the event loop.
#include "daemon/absent_kernel.h"
#include "daemon/command_line.h"
#include "daemon/control_socket.h"
#include "daemon/dry_run_kernel.h"
#include "daemon/guard_removal.h"
#include "daemon/name_resolver.h"
#include "daemon/namespace_events.h"
#include "daemon/one_line.h"
#include "daemon/operator_commands.h"
#include "daemon/privileges.h"
#include "daemon/ready_notice.h"
#include "daemon/reload.h"
#include "daemon/routers.h"
#include "daemon/signals.h"
#include "daemon/version.h"
#include "daemon/xfrm_kernel.h"
#include "policy/weakness.h"

#include <boost/asio/io_context.hpp>
#include <botan/auto_rng.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>

namespace {

using namespace viaduct;
using namespace viaduct::daemon;

constexpr int success = 0;
constexpr int failed = 1;
constexpr int wrong_usage = 2;

int fail(int status, const std::string& reason) {
    std::cerr << "viaductd: " << reason << "\n";
    return status;
}

int check(const DaemonOptions& options) {
    // With no more rights than the daemon has when it reads the files.
    if (const auto dropped = drop_privileges(options); !dropped) {
        return fail(failed, dropped.error());
    }
    const auto configuration = read_configuration(options.config);
    for (const auto& mistake : configuration.mistakes) {
        std::cout << mistake.to_string() << "\n";
    }
    for (const auto& each : configuration.routers) {
        for (const auto& connection : each.router->connections.connections) {
            for (const auto& weakness : policy::weaknesses(connection)) {
                std::cout << each.file << ": warning: connection '" << connection.name
                          << "': " << weakness << "\n";
            }
        }
    }
    std::cout << count_of(configuration.routers.size(), "router") << ", "
              << count_of(configuration.connection_count(), "connection") << ", "
              << count_of(configuration.mistakes.size(), "mistake") << "\n";
    return configuration.mistakes.empty() ? success : failed;
}

int remove_guard(const DaemonOptions& options) {
    if (const auto able = check_privileges(options); !able) {
        return fail(failed, able.error());
    }
    LogWriter log(options.log, terminal_log());
    boost::asio::io_context loop(1);
    // Held until the end: a running daemon would put the guard back, and one that starts must wait.
    const auto control = ControlSocket::open(loop, {.path = options.control}, log,
                                             [](std::string_view, const ControlAnswer&) {});
    if (!control) {
        return fail(failed, control.error());
    }
    if (const auto dropped = drop_privileges(options); !dropped) {
        return fail(failed, dropped.error());
    }
    const auto configuration = read_configuration(options.config);
    for (const auto& mistake : configuration.mistakes) {
        std::cerr << mistake.to_string() << "\n";
    }
    const auto scope = options.everywhere ? RemovalScope::everywhere : RemovalScope::configured;
    const bool done = remove_guards(configuration, scope, std::cout);
    // With all namespaces done it does not matter which were configured.
    return done && (options.everywhere || configuration.mistakes.empty()) ? success : failed;
}

std::unique_ptr<KernelSource> make_kernel(const DaemonOptions& options,
                                          boost::asio::io_context& loop, LogWriter& log) {
    switch (options.kernel) {
    case KernelChoice::dry_run: return std::make_unique<DryRunKernelSource>(log);
    case KernelChoice::none: return std::make_unique<AbsentKernelSource>();
    case KernelChoice::xfrm: break;
    }
    return std::make_unique<XfrmKernelSource>(loop, log,
                                              options.shared_table ? netns::nft::TableOwner::none
                                                                   : netns::nft::TableOwner::maker);
}

ike::EndpointSettings endpoint_settings(const DaemonOptions& options) {
    return {.ike_port = options.ike_port,
            .nat_port = options.nat_port,
            // The other connections stay guarded, so they are not left out of the configuration.
            .only_connection = options.only,
            .message_details = options.log.shows(LogArea::ike, LogLevel::debug)};
}

/// What the kernel is asked to tell. Needs a right that the daemon gives up.
void listen(NamespaceEvents& events, const KernelSource& kernel, LogWriter& log) {
    std::vector<std::pair<int, std::vector<unsigned>>> wanted{
        {NETLINK_ROUTE,
         {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
          RTNLGRP_LINK}},
        // Not those of SAs and policies: they come with each change that we make ourselves.
        {NETLINK_XFRM, {XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING}},
    };
    if (kernel.carries_esp()) {
        wanted.push_back({NETLINK_NETFILTER, {NFNLGRP_NFTABLES}});
    }
    for (const auto& [protocol, groups] : wanted) {
        if (const auto listening = events.listen(protocol, groups); !listening) {
            log.write(LogArea::netns, LogLevel::warn,
                      "the kernel's notifications are not heard: " + listening.error().to_string());
        }
    }
}

int run(const DaemonOptions& options) {
    protect_process();
    if (const auto able = check_privileges(options); !able) {
        return fail(failed, able.error());
    }
    if (const auto able = check_ports(options); !able) {
        return fail(failed, able.error());
    }
    LogWriter log(options.log, options.foreground ? terminal_log() : system_log());
    boost::asio::io_context loop(1);
    Botan::AutoSeeded_RNG rng;
    NameResolver resolver(loop);
    const auto kernel = make_kernel(options, loop, log);
    NamespaceEvents events(loop, log);
    listen(events, *kernel, log);

    RouterSurroundings surroundings{
        loop, *kernel, resolver, events, rng, log, endpoint_settings(options), {}};
    Routers routers(surroundings);
    Reload reload(options.config, options.only, routers, log);
    OperatorCommands commands(loop, routers, reload, kernel->name());
    surroundings.observer = [&](const std::string& router, const ike::ReportEvent& event) {
        commands.on_report(router, event);
    };

    auto control =
        ControlSocket::open(loop, {.path = options.control, .group = options.control_group}, log,
                            [&](std::string_view line, const ControlAnswer& answer) {
                                commands.on_request(line, answer);
                            });
    if (!control) {
        return fail(failed, control.error());
    }
    if (const auto dropped = drop_privileges(options); !dropped) {
        return fail(failed, dropped.error());
    }
    // Not before: a thread has its own capabilities.
    log.write_in_background();
    const Signals signals(
        loop, [&] { routers.stop([&] { loop.stop(); }); },
        // Whoever is to take over a namespace's guard has it then.
        [&] { routers.when_started([&] { reload.run(); }); });

    routers.watch();
    const auto configured = count_text(reload.run());
    routers.when_started([&] {
        log.write(
            LogArea::daemon, LogLevel::info,
            "ready: " + configured +
                (options.only.empty() ? "" : "; of these only '" + options.only + "' is served"));
        send_ready_notice();
    });
    loop.run();
    control->reset();
    log.write(LogArea::daemon, LogLevel::info, "ended");
    log.finish(std::chrono::seconds(1));
    // Without destructors: a name that is still being resolved would be waited for.
    std::_Exit(success);
}

} // namespace

int main(int count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto options =
        parse_command_line(std::vector<std::string>(arguments + 1, arguments + count));
    if (!options) {
        return fail(wrong_usage, options.error() + " (viaductd --help)");
    }
    switch (options->action) {
    case DaemonOptions::Action::show_help: std::cout << command_line_help(); return success;
    case DaemonOptions::Action::show_version:
        std::cout << "viaductd " << version() << "\n";
        return success;
    case DaemonOptions::Action::check: return check(*options);
    case DaemonOptions::Action::remove_guard: return remove_guard(*options);
    case DaemonOptions::Action::run: break;
    }
    return run(*options);
}
