#include "policy/address_pairs.h"

#include <algorithm>
#include <set>
#include <utility>

namespace viaduct::policy {
namespace {

/// An inclusive range of addresses of one family, and what holds for it.
struct Range {
    IpAddress start, end;
    std::uint16_t segment = 0;
    friend auto operator<=>(const Range&, const Range&) = default;
};
/// Sorted, apart from each other.
using Ranges = std::vector<Range>;

bool touches(const IpAddress& end, const IpAddress& start) {
    const auto behind = end.next();
    return !behind || start <= *behind;
}

void append_range(Ranges& ranges, const Range& range) {
    if (!ranges.empty() && ranges.back().segment == range.segment &&
        touches(ranges.back().end, range.start)) {
        ranges.back().end = range.end;
    } else {
        ranges.push_back(range);
    }
}

/// Where something about these ranges changes: every start, and every address behind an end.
/// Sorted.
template <class Ranged, class Start, class End>
std::vector<IpAddress> boundaries(const std::vector<Ranged>& all, Start start, End end) {
    std::vector<IpAddress> result;
    for (const Ranged& one : all) {
        result.push_back(start(one));
        if (const auto behind = end(one).next()) {
            result.push_back(*behind);
        }
    }
    std::ranges::sort(result);
    const auto repeated = std::ranges::unique(result);
    result.erase(repeated.begin(), repeated.end());
    return result;
}

/// The last address before the next boundary.
IpAddress end_before(const std::vector<IpAddress>& starts, std::size_t index) {
    return index + 1 < starts.size() ? *starts[index + 1].previous()
                                     : IpAddress::highest(starts[index].family());
}

/// The union of ranges of one family, with the shortest segment wherever they overlap.
Ranges merged(Ranges ranges) {
    std::ranges::sort(ranges);
    const auto starts = boundaries(
        ranges, [](const Range& range) { return range.start; },
        [](const Range& range) { return range.end; });
    auto by_end = ranges;
    std::ranges::sort(by_end, {}, &Range::end);
    Ranges result;
    std::multiset<std::uint16_t> open;
    auto opening = ranges.begin();
    auto closing = by_end.begin();
    for (std::size_t index = 0; index < starts.size(); ++index) {
        for (; closing != by_end.end() && closing->end < starts[index]; ++closing) {
            open.erase(open.find(closing->segment));
        }
        for (; opening != ranges.end() && opening->start == starts[index]; ++opening) {
            open.insert(opening->segment);
        }
        if (!open.empty()) {
            append_range(result, {starts[index], end_before(starts, index), *open.begin()});
        }
    }
    return result;
}

/// Between two boundaries every local address has the same remote ranges.
struct Strip {
    IpAddress start, end;
    Ranges remote;
};

void append_strip(std::vector<Strip>& strips, Strip strip) {
    if (strip.remote.empty()) {
        return;
    }
    if (!strips.empty() && strips.back().remote == strip.remote &&
        touches(strips.back().end, strip.start)) {
        strips.back().end = strip.end;
    } else {
        strips.push_back(std::move(strip));
    }
}

/// Cuts the pairs of one family, sorted, into strips that are apart from each other.
std::vector<Strip> cut_into_strips(const std::vector<ClampedPair>& pairs) {
    std::vector<Strip> strips;
    const auto starts = boundaries(
        pairs, [](const ClampedPair& pair) { return pair.pair.local_start; },
        [](const ClampedPair& pair) { return pair.pair.local_end; });
    std::vector<ClampedPair> open;
    auto next = pairs.begin();
    for (std::size_t index = 0; index < starts.size(); ++index) {
        const IpAddress& start = starts[index];
        std::erase_if(open, [&](const ClampedPair& pair) { return pair.pair.local_end < start; });
        for (; next != pairs.end() && next->pair.local_start == start; ++next) {
            open.push_back(*next);
        }
        Ranges remote;
        std::ranges::transform(open, std::back_inserter(remote), [](const ClampedPair& pair) {
            return Range{pair.pair.remote_start, pair.pair.remote_end, pair.segment};
        });
        append_strip(strips, {start, end_before(starts, index), merged(std::move(remote))});
    }
    return strips;
}

void append_apart(std::vector<ClampedPair>& result, std::vector<ClampedPair> pairs) {
    std::ranges::sort(pairs);
    for (const Strip& strip : cut_into_strips(pairs)) {
        for (const Range& remote : strip.remote) {
            result.push_back({{strip.start, strip.end, remote.start, remote.end}, remote.segment});
        }
    }
}

} // namespace

std::vector<ProtectedPair> pairs_of(std::span<const TrafficSelector> local,
                                    std::span<const TrafficSelector> remote) {
    std::vector<ProtectedPair> pairs;
    for (const TrafficSelector& ours : local) {
        for (const TrafficSelector& theirs : remote) {
            if (ours.is_valid() && theirs.is_valid() && ours.family() == theirs.family()) {
                pairs.push_back({ours.start_address, ours.end_address, theirs.start_address,
                                 theirs.end_address});
            }
        }
    }
    return pairs;
}

std::vector<ClampedPair> cut_apart(std::vector<ClampedPair> pairs) {
    const auto ipv6 = std::ranges::partition(pairs, [](const ClampedPair& pair) {
        return pair.pair.local_start.family() == AddressFamily::ipv4;
    });
    std::vector<ClampedPair> result;
    append_apart(result, {pairs.begin(), ipv6.begin()});
    append_apart(result, {ipv6.begin(), ipv6.end()});
    return result;
}

std::vector<ProtectedPair> cut_apart(const std::vector<ProtectedPair>& pairs) {
    std::vector<ClampedPair> alike;
    std::ranges::transform(pairs, std::back_inserter(alike),
                           [](const ProtectedPair& pair) { return ClampedPair{pair, 0}; });
    std::vector<ProtectedPair> result;
    std::ranges::transform(cut_apart(std::move(alike)), std::back_inserter(result),
                           &ClampedPair::pair);
    return result;
}

} // namespace viaduct::policy
