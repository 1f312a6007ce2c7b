// Which packets a child SA is to protect.
#pragma once

#include "policy/traffic_selector.h"

#include <vector>

namespace viaduct::policy {

/// The selectors that a child SA is wanted with, before the peer narrows them.
struct ChildSelectors {
    std::vector<TrafficSelector> local;
    std::vector<TrafficSelector> remote;
    friend bool operator==(const ChildSelectors&, const ChildSelectors&) = default;
};

/// Whether every packet of `inner` is one of `outer`, each selector inside a single one.
bool contains(const ChildSelectors& outer, const ChildSelectors& inner);

} // namespace viaduct::policy
