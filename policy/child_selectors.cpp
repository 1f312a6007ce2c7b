#include "policy/child_selectors.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

bool contain(const std::vector<TrafficSelector>& outer, const std::vector<TrafficSelector>& inner) {
    return std::ranges::all_of(inner, [&](const auto& each) {
        return std::ranges::any_of(outer, [&](const auto& one) { return one.contains(each); });
    });
}

} // namespace

bool contains(const ChildSelectors& outer, const ChildSelectors& inner) {
    return contain(outer.local, inner.local) && contain(outer.remote, inner.remote);
}

} // namespace viaduct::policy
