// What one sorted collection has and another has not.
#pragma once

#include <algorithm>
#include <iterator>

namespace viaduct::netns {

/// Both are sorted, and so is the result.
template <class Sorted> Sorted without(const Sorted& one, const Sorted& other) {
    Sorted result;
    std::ranges::set_difference(one, other, std::inserter(result, result.end()));
    return result;
}

} // namespace viaduct::netns
