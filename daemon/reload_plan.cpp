#include "daemon/reload_plan.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace viaduct::daemon {

namespace {

/// Routers by a name of theirs; it lives as long as they stay where they are.
class RouterIndex {
public:
    void add(const std::string& name, const ConfiguredRouter& router) {
        routers_.emplace(name, &router);
    }
    /// Null: none has it.
    const ConfiguredRouter* find(const std::string& name) const {
        const auto found = routers_.find(name);
        return found == routers_.end() ? nullptr : found->second;
    }

private:
    std::unordered_map<std::string_view, const ConfiguredRouter*> routers_;
};

RouterIndex by_name(const std::vector<ConfiguredRouter>& routers) {
    RouterIndex index;
    for (const auto& each : routers) {
        index.add(each.router->name, each);
    }
    return index;
}

/// Nobody can say whether a file still asks for the router.
bool is_unknown(const Configuration& wanted, const ConfiguredRouter& running) {
    return wanted.listing_incomplete || std::ranges::contains(wanted.broken_files, running.file);
}

/// By their namespaces, the routers that go on although no file asks for them, because their files
/// cannot be understood.
RouterIndex kept_broken(const std::vector<ConfiguredRouter>& running, const Configuration& wanted) {
    const auto now = by_name(wanted.routers);
    RouterIndex kept;
    for (const auto& each : running) {
        if (is_unknown(wanted, each) && now.find(each.router->name) == nullptr) {
            kept.add(each.router->netns, each);
        }
    }
    return kept;
}

/// Sockets stay where they are and as they are for as long as a router runs, and its endpoint keeps
/// what it was told at its making.
bool same_place(const policy::Router& a, const policy::Router& b) {
    return a.netns == b.netns && a.ike_port == b.ike_port && a.nat_port == b.nat_port &&
           a.cookie_threshold == b.cookie_threshold;
}

RouterStep step_for_running(const Configuration& wanted, const ConfiguredRouter* now,
                            const ConfiguredRouter& running) {
    const auto& before = running.router->connections;
    if (now == nullptr) {
        const bool broken = is_unknown(wanted, running);
        auto changes = broken ? policy::unchanged(before) : policy::compare(before, {});
        return {broken ? RouterAction::keep_broken : RouterAction::stop, running,
                std::move(changes)};
    }
    if (now->router == running.router) {
        return {RouterAction::keep, *now, policy::unchanged(before)};
    }
    auto changes = policy::compare(before, now->router->connections);
    if (!same_place(*now->router, *running.router)) {
        return {RouterAction::move, *now, std::move(changes)};
    }
    const bool same = *now->router == *running.router;
    return {same ? RouterAction::keep : RouterAction::reconfigure, *now, std::move(changes)};
}

/// Routers that would enter the namespace of a kept one become mistakes.
void refuse_clashes(const std::vector<ConfiguredRouter>& running, Configuration& wanted) {
    const auto kept = kept_broken(running, wanted);
    std::erase_if(wanted.routers, [&](const ConfiguredRouter& candidate) {
        const auto* other = kept.find(candidate.router->netns);
        if (other == nullptr) {
            return false;
        }
        wanted.mistakes.push_back({.file = candidate.file,
                                   .message = "its namespace is held by router '" +
                                              other->router->name +
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
    const auto now = by_name(wanted.routers);
    for (const auto& router : running) {
        plan.steps.push_back(step_for_running(wanted, now.find(router.router->name), router));
    }
    const auto before = by_name(running);
    for (const auto& router : wanted.routers) {
        if (before.find(router.router->name) == nullptr) {
            plan.steps.push_back(
                {RouterAction::start, router, policy::compare({}, router.router->connections)});
        }
    }
    plan.mistakes = std::move(wanted.mistakes);
    return plan;
}

} // namespace viaduct::daemon
