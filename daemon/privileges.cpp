#include "daemon/privileges.h"

#include "daemon/configuration.h"
#include "daemon/descriptor_limit.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

namespace viaduct::daemon {

namespace {

/// Programming XFRM and nftables; entering namespaces; ports 500 and 4500.
constexpr std::array<cap_value_t, 3> always_kept{CAP_NET_ADMIN, CAP_SYS_ADMIN,
                                                 CAP_NET_BIND_SERVICE};

struct FreeCapabilities {
    void operator()(cap_t set) const { cap_free(set); }
};
using CapabilitySet = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities>;

bool is_permitted(cap_value_t capability) {
    const CapabilitySet current(cap_get_proc());
    cap_flag_value_t value = CAP_CLEAR;
    return current != nullptr &&
           cap_get_flag(current.get(), capability, CAP_PERMITTED, &value) == 0 && value == CAP_SET;
}

/// Ports below are for CAP_NET_BIND_SERVICE.
unsigned first_free_port() {
    std::ifstream setting("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    unsigned port = 1024;
    setting >> port;
    return setting ? port : 1024;
}

std::unexpected<std::string> refused(const char* what) {
    return std::unexpected(std::string("dropping privileges: ") + what + ": " +
                           std::strerror(errno));
}

std::expected<void, std::string> drop_bounding_set(std::span<const cap_value_t> kept) {
    for (cap_value_t capability = 0; cap_get_bound(capability) >= 0; ++capability) {
        const bool keep = std::ranges::find(kept, capability) != kept.end();
        if (!keep && cap_get_bound(capability) == 1 && cap_drop_bound(capability) != 0) {
            return refused("bounding set");
        }
    }
    return {};
}

std::expected<void, std::string> keep_only(std::span<const cap_value_t> kept) {
    std::vector<cap_value_t> permitted;
    for (const auto capability : kept) {
        if (is_permitted(capability)) {
            permitted.push_back(capability);
        }
    }
    const CapabilitySet wanted(cap_init());
    const auto keep = [&](cap_flag_t flag) {
        // An empty list is an error to libcap.
        return permitted.empty() ||
               cap_set_flag(wanted.get(), flag, static_cast<int>(permitted.size()),
                            permitted.data(), CAP_SET) == 0;
    };
    if (wanted == nullptr || !keep(CAP_PERMITTED) || !keep(CAP_EFFECTIVE) ||
        cap_set_proc(wanted.get()) != 0) {
        return refused("capabilities");
    }
    return {};
}

} // namespace

void protect_process() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::umask(077);
    raise_descriptor_limit();
}

std::expected<void, std::string> check_privileges(const DaemonOptions& options) {
    if (options.kernel == KernelChoice::xfrm &&
        (!is_permitted(CAP_NET_ADMIN) || !is_permitted(CAP_SYS_ADMIN))) {
        return std::unexpected("needs CAP_NET_ADMIN and CAP_SYS_ADMIN (or --kernel none, with "
                               "--ike-port and --nat-port)");
    }
    return {};
}

std::expected<void, std::string> check_ports(const DaemonOptions& options) {
    if (is_permitted(CAP_NET_BIND_SERVICE)) {
        return {};
    }
    const auto configuration = read_configuration(options.config);
    const auto free = first_free_port();
    const auto are_free = [&](std::optional<std::uint16_t> ike, std::optional<std::uint16_t> nat) {
        return ike.value_or(options.ike_port) >= free && nat.value_or(options.nat_port) >= free;
    };
    const bool is_able =
        configuration.routers.empty()
            ? are_free({}, {})
            : std::ranges::all_of(configuration.routers, [&](const ConfiguredRouter& each) {
                  return are_free(each.router->ike_port, each.router->nat_port);
              });
    if (!is_able) {
        return std::unexpected("ports below " + std::to_string(free) +
                               " need CAP_NET_BIND_SERVICE; choose others with --ike-port and "
                               "--nat-port, or in each router's file (and --kernel none)");
    }
    return {};
}

std::expected<void, std::string> drop_privileges(const DaemonOptions& options) {
    std::vector<cap_value_t> kept(always_kept.begin(), always_kept.end());
    if (options.process_namespaces) {
        // proc(5): another process's ns/net opens for those who may trace it.
        kept.push_back(CAP_SYS_PTRACE);
    }
    // Without CAP_SETPCAP the bounding set stays; no_new_privs makes it irrelevant then.
    if (is_permitted(CAP_SETPCAP)) {
        if (auto dropped = drop_bounding_set(kept); !dropped) {
            return dropped;
        }
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return refused("no_new_privs");
    }
    cap_reset_ambient();
    return keep_only(kept);
}

} // namespace viaduct::daemon
