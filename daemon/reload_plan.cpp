#include "daemon/reload_plan.h"

#include <algorithm>

namespace viaduct::daemon {

namespace {

const ConfiguredRouter* find_router(const std::vector<ConfiguredRouter>& routers,
                                    const std::string& name) {
    const auto found = std::ranges::find(
        routers, name, [](const ConfiguredRouter& configured) { return configured.router.name; });
    return found == routers.end() ? nullptr : &*found;
}

bool is_broken(const Configuration& wanted, const std::string& file) {
    return std::ranges::contains(wanted.broken_files, file);
}

/// Nobody can say whether a file still asks for the router.
bool is_unknown(const Configuration& wanted, const ConfiguredRouter& running) {
    return wanted.listing_incomplete || is_broken(wanted, running.file);
}

/// A router that goes on although no file asks for it, because its file cannot be understood.
bool is_kept_broken(const Configuration& wanted, const ConfiguredRouter& running) {
    return is_unknown(wanted, running) &&
           find_router(wanted.routers, running.router.name) == nullptr;
}

/// Sockets stay where they are and as they are for as long as a router runs, and its endpoint keeps
/// what it was told at its making.
bool same_place(const policy::Router& a, const policy::Router& b) {
    return a.netns == b.netns && a.ike_port == b.ike_port && a.nat_port == b.nat_port &&
           a.cookie_threshold == b.cookie_threshold;
}

RouterStep step_for_running(const Configuration& wanted, const ConfiguredRouter& running) {
    const auto* now = find_router(wanted.routers, running.router.name);
    const auto& before = running.router.connections;
    if (now == nullptr) {
        const bool broken = is_unknown(wanted, running);
        auto changes = broken ? policy::compare(before, before) : policy::compare(before, {});
        return {broken ? RouterAction::keep_broken : RouterAction::stop, running,
                std::move(changes)};
    }
    auto changes = policy::compare(before, now->router.connections);
    if (!same_place(now->router, running.router)) {
        return {RouterAction::move, *now, std::move(changes)};
    }
    const bool same = now->router == running.router;
    return {same ? RouterAction::keep : RouterAction::reconfigure, *now, std::move(changes)};
}

/// The running router, kept because its file is broken, that stands in the way of `candidate`.
const ConfiguredRouter* in_the_way(const std::vector<ConfiguredRouter>& running,
                                   const Configuration& wanted, const ConfiguredRouter& candidate) {
    const auto found = std::ranges::find_if(running, [&](const ConfiguredRouter& other) {
        return is_kept_broken(wanted, other) && other.router.netns == candidate.router.netns;
    });
    return found == running.end() ? nullptr : &*found;
}

/// Routers that would enter the namespace of a kept one become mistakes.
void refuse_clashes(const std::vector<ConfiguredRouter>& running, Configuration& wanted) {
    std::erase_if(wanted.routers, [&](const ConfiguredRouter& candidate) {
        const auto* other = in_the_way(running, wanted, candidate);
        if (other == nullptr) {
            return false;
        }
        wanted.mistakes.push_back({.file = candidate.file,
                                   .message = "its namespace is held by router '" +
                                              other->router.name +
                                              "', which goes on as it was "
                                              "because " +
                                              other->file + " has mistakes or cannot be read"});
        wanted.broken_files.push_back(candidate.file);
        return true;
    });
}

} // namespace

ReloadPlan plan_reload(const std::vector<ConfiguredRouter>& running, Configuration wanted) {
    refuse_clashes(running, wanted);
    ReloadPlan plan;
    for (const auto& router : running) {
        plan.steps.push_back(step_for_running(wanted, router));
    }
    for (const auto& router : wanted.routers) {
        if (find_router(running, router.router.name) == nullptr) {
            plan.steps.push_back(
                {RouterAction::start, router, policy::compare({}, router.router.connections)});
        }
    }
    plan.mistakes = std::move(wanted.mistakes);
    return plan;
}

} // namespace viaduct::daemon
