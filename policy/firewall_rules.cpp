#include "policy/firewall_rules.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace viaduct::policy {
namespace {

/// An inclusive range of addresses of one family.
struct Range {
    IpAddress start, end;
    friend auto operator<=>(const Range&, const Range&) = default;
};
/// Sorted, apart from each other.
using Ranges = std::vector<Range>;

bool touches(const Range& left, const Range& right) {
    const auto behind = left.end.next();
    return !behind || right.start <= *behind;
}

/// The union of ranges of one family.
Ranges merged(Ranges ranges) {
    std::ranges::sort(ranges);
    Ranges result;
    for (const Range& range : ranges) {
        if (!result.empty() && touches(result.back(), range)) {
            result.back().end = std::max(result.back().end, range.end);
        } else {
            result.push_back(range);
        }
    }
    return result;
}

/// Where a set of overlapping local ranges begins to be another set: every start, and every
/// address behind an end. Sorted.
std::vector<IpAddress> boundaries(const std::vector<ProtectedPair>& pairs) {
    std::vector<IpAddress> result;
    for (const ProtectedPair& pair : pairs) {
        result.push_back(pair.local_start);
        if (const auto behind = pair.local_end.next()) {
            result.push_back(*behind);
        }
    }
    std::ranges::sort(result);
    const auto repeated = std::ranges::unique(result);
    result.erase(repeated.begin(), repeated.end());
    return result;
}

/// Between two boundaries every local address has the same remote ranges.
struct Strip {
    Range local;
    Ranges remote;
};

void append_strip(std::vector<Strip>& strips, Strip strip) {
    if (strip.remote.empty()) {
        return;
    }
    if (!strips.empty() && strips.back().remote == strip.remote &&
        touches(strips.back().local, strip.local)) {
        strips.back().local.end = strip.local.end;
    } else {
        strips.push_back(std::move(strip));
    }
}

/// Cuts the pairs of one family, sorted, into strips that are apart from each other.
std::vector<Strip> cut_into_strips(const std::vector<ProtectedPair>& pairs) {
    std::vector<Strip> strips;
    const std::vector<IpAddress> starts = boundaries(pairs);
    std::vector<ProtectedPair> open;
    auto next = pairs.begin();
    for (std::size_t index = 0; index < starts.size(); ++index) {
        const IpAddress& start = starts[index];
        std::erase_if(open, [&](const ProtectedPair& pair) { return pair.local_end < start; });
        for (; next != pairs.end() && next->local_start == start; ++next) {
            open.push_back(*next);
        }
        Ranges remote;
        std::ranges::transform(open, std::back_inserter(remote), [](const ProtectedPair& pair) {
            return Range{pair.remote_start, pair.remote_end};
        });
        const IpAddress end = index + 1 < starts.size() ? *starts[index + 1].previous()
                                                        : IpAddress::highest(start.family());
        append_strip(strips, {{start, end}, merged(std::move(remote))});
    }
    return strips;
}

void append_pairs_of(std::map<AddressFamily, std::vector<ProtectedPair>>& pairs,
                     const Connection& connection) {
    for (const TrafficSelector& local : connection.local_selectors) {
        for (const TrafficSelector& remote : connection.remote_selectors) {
            if (local.is_valid() && remote.is_valid() && local.family() == remote.family()) {
                pairs[local.family()].push_back({local.start_address, local.end_address,
                                                 remote.start_address, remote.end_address});
            }
        }
    }
}

} // namespace

FirewallRules firewall_rules(const ConnectionSet& connections) {
    std::map<AddressFamily, std::vector<ProtectedPair>> by_family;
    for (const Connection& connection : connections.connections) {
        append_pairs_of(by_family, connection);
    }
    FirewallRules rules;
    for (auto& [family, pairs] : by_family) {
        std::ranges::sort(pairs);
        for (const Strip& strip : cut_into_strips(pairs)) {
            for (const Range& remote : strip.remote) {
                rules.guarded.push_back(
                    {strip.local.start, strip.local.end, remote.start, remote.end});
            }
        }
    }
    return rules;
}

} // namespace viaduct::policy
