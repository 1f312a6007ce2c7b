#include "daemon/guard_removal.h"

#include "netns/firewall_table.h"
#include "xfrm/leftovers.h"
#include "xfrm/security_associations.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

namespace viaduct::daemon {

namespace {

/// What it was called and what was found; no line where there was nothing.
using Removal = std::expected<std::string, netns::SystemError>;

std::expected<void, netns::SystemError> let_forward(const netns::NetworkNamespace& place) {
    return xfrm::SecurityAssociations::open(place, {}, {})
        .and_then([](xfrm::SecurityAssociations kernel) {
            return kernel.set_forwarding(xfrm::ForwardedInClear::pass)
                .transform_error([](const xfrm::KernelFailure& failure) { return failure.error; });
        });
}

Removal remove_from(const netns::NetworkNamespace& place) {
    auto table = netns::FirewallTable::open(place, netns::nft::TableOwner::none);
    if (!table) {
        return std::unexpected(table.error());
    }
    const auto present = table->is_present();
    if (!present) {
        return std::unexpected(present.error());
    }
    // While the guard stands: what is left of the tunnels may still keep packets from the clear.
    const auto leftovers = xfrm::remove_leftovers(place);
    if (!leftovers) {
        return std::unexpected(leftovers.error());
    }
    // The block that this tells of would stay for ever.
    const auto abandoned = table->is_marked_abandoned();
    if (!abandoned) {
        return std::unexpected(abandoned.error());
    }
    if (*abandoned) {
        if (const auto lifted = let_forward(place); !lifted) {
            return std::unexpected(lifted.error());
        }
    }
    if (const auto removed = table->remove(); !removed) {
        return std::unexpected(removed.error());
    }
    if (!*present && leftovers->states + leftovers->policies == 0) {
        return std::string();
    }
    return fmt::format("removed {}{} states, {} policies{}", *present ? "table inet viaduct, " : "",
                       leftovers->states, leftovers->policies,
                       *abandoned ? "; it forwards again" : "");
}

std::vector<std::string> names_of(const Configuration& configuration, RemovalScope scope) {
    std::vector<std::string> names;
    names.reserve(configuration.routers.size());
    for (const auto& router : configuration.routers) {
        names.push_back(router.router->netns);
    }
    if (scope == RemovalScope::everywhere) {
        names.emplace_back();
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator("/run/netns", error)) {
            names.push_back(entry.path().filename());
        }
    }
    return names;
}

} // namespace

bool remove_guards(const Configuration& configuration, RemovalScope scope, std::ostream& out) {
    bool everything = true;
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
    for (const auto& name : names_of(configuration, scope)) {
        const auto place = netns::NetworkNamespace::open(name);
        if (!place && place.error().code == ENOENT) {
            continue;
        }
        const auto identity = place.transform(&netns::NetworkNamespace::identity);
        if (identity && !seen.emplace(identity->device, identity->inode).second) {
            continue;
        }
        const auto removed = place.and_then(remove_from);
        const auto called = name.empty() ? std::string("own namespace") : name;
        if (!removed) {
            everything = false;
            out << called << ": " << removed.error().to_string() << "\n";
        } else if (!removed->empty()) {
            out << called << ": " << *removed << "\n";
        }
    }
    return everything;
}

} // namespace viaduct::daemon
