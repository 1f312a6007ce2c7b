#include "ike/v2/wanted_children.h"

#include "ike/v2/exchange_order.h"
#include "ike/v2/timers.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

constexpr std::chrono::milliseconds first_wait = std::chrono::seconds(2);
constexpr std::chrono::milliseconds longest_wait = std::chrono::seconds(60);

} // namespace

bool protects(const ChildState& child, const ChildSelectors& pair) {
    return policy::contains({child.local_selectors, child.remote_selectors}, pair);
}

std::vector<ChildSelectors> wanted_children(const policy::Connection& connection, bool per_pair) {
    if (!per_pair)
        return {{connection.local_selectors, connection.remote_selectors}};
    std::vector<ChildSelectors> out;
    for (const auto& local : connection.local_selectors)
        for (const auto& remote : connection.remote_selectors)
            if (local.family() == remote.family())
                out.push_back({{local}, {remote}});
    return out;
}

std::vector<ChildSelectors> missing_children(const Established& sa) {
    auto wanted = wanted_children(*sa.connection, sa.per_pair);
    // One child for everything may have been narrowed, and that is what there is.
    const bool any = std::ranges::any_of(sa.children, &ChildState::in_use);
    if (!sa.per_pair)
        return any ? std::vector<ChildSelectors>{} : wanted;
    std::erase_if(wanted, [&](const ChildSelectors& pair) {
        return std::ranges::any_of(sa.children, [&](const ChildState& child) {
            return child.in_use() && (child.wanted == pair || protects(child, pair));
        });
    });
    return wanted;
}

bool carries_nothing(const Established& sa) {
    return std::ranges::none_of(sa.children, &ChildState::in_use);
}

bool is_creating_children(const Established& sa) {
    return is_asked(sa, [](const RequestPurpose& purpose) {
        const auto* create = std::get_if<purpose::CreateChild>(&purpose);
        return create && !create->rekeyed;
    });
}

void watch_emptiness(TimePoint now, Established& sa) {
    sa.counts_on_children = sa.counts_on_children || !sa.children.empty();
    const bool empty = sa.counts_on_children && sa.children.empty() && !sa.create_children_at &&
                       !is_creating_children(sa) && sa.standing == Standing::carrying;
    if (!empty)
        sa.empty_until.reset();
    else if (!sa.empty_until)
        sa.empty_until = now + empty_sa_time;
}

void create_missing_children(Turn& turn, IkeSaFacts& facts, Established& sa) {
    sa.create_children_at.reset();
    if (sa.standing != Standing::carrying || sa.closing || is_creating_children(sa) ||
        !turn.is_wanted(sa.connection->name))
        return;
    for (auto& each : missing_children(sa)) {
        if (!turn.is_demanded(*sa.connection, each))
            continue;
        request(turn, facts, sa, purpose::CreateChild{.selectors = std::move(each)});
    }
}

std::optional<TimePoint> create_children_later(Turn& turn, Established& sa, Refusal refusal) {
    if (!turn.is_wanted(sa.connection->name))
        return std::nullopt;
    auto wait = first_wait;
    for (unsigned i = 0; i < sa.create_failures && wait < longest_wait; ++i)
        wait *= 2;
    wait = std::min(wait, longest_wait);
    ++sa.create_failures;
    sa.lastingly_refused = sa.lastingly_refused || refusal == Refusal::lasting;
    sa.create_children_at = turn.now + between(wait - wait / 4, wait + wait / 4, turn.rng);
    return sa.create_children_at;
}

} // namespace viaduct::ike::v2
