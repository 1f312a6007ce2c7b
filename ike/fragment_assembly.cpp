#include "ike/fragment_assembly.h"

#include <algorithm>

namespace viaduct::ike {

bool FragmentAssembly::Partial::is_of(const wire::Header& header) const {
    return response == header.response && id == header.message_id && exchange == header.exchange;
}

bool FragmentAssembly::Partial::has(std::uint16_t number) const {
    return std::ranges::binary_search(pieces, number, {}, &Piece::number);
}

bool FragmentAssembly::wants(const wire::Header& header, wire::FragmentNumber fragment) const {
    if (fragment.total > limit::fragments)
        return false;
    const auto found =
        std::ranges::find_if(partials_, [&](const Partial& each) { return each.is_of(header); });
    if (found == partials_.end())
        return true;
    // RFC 7383 2.6: more fragments than before are a fragmentation anew, for a narrower path.
    return fragment.total == found->total ? !found->has(fragment.number)
                                          : fragment.total > found->total;
}

std::vector<FragmentAssembly::Partial>::iterator
FragmentAssembly::place_for(TimePoint now, const wire::Header& header,
                            wire::FragmentNumber fragment) {
    auto found = std::ranges::find(partials_, header.response, &Partial::response);
    if (found != partials_.end() && found->is_of(header) && found->total == fragment.total)
        return found;
    if (found == partials_.end())
        found = partials_.emplace(partials_.end());
    *found = Partial{.exchange = header.exchange,
                     .response = header.response,
                     .id = header.message_id,
                     .total = fragment.total,
                     .give_up = now + limit::reassembly_time,
                     .pieces = {}};
    return found;
}

std::optional<AssembledContent> FragmentAssembly::add(TimePoint now, const wire::Header& header,
                                                      wire::FragmentNumber fragment,
                                                      wire::PayloadType first,
                                                      std::span<const std::uint8_t> content,
                                                      std::size_t content_limit) {
    const auto partial = place_for(now, header, fragment);
    partial->octets += content.size();
    if (partial->octets > content_limit) {
        partials_.erase(partial);
        return std::nullopt;
    }
    partial->longest_fragment = std::max<std::size_t>(partial->longest_fragment, header.length);
    if (fragment.number == 1)
        partial->first = first;
    const auto behind =
        std::ranges::upper_bound(partial->pieces, fragment.number, {}, &Piece::number);
    partial->pieces.insert(behind, Piece{fragment.number, {content.begin(), content.end()}});
    if (partial->pieces.size() < partial->total)
        return std::nullopt;

    AssembledContent whole{
        .first = partial->first, .octets = {}, .longest_fragment = partial->longest_fragment};
    whole.octets.reserve(partial->octets);
    for (const auto& piece : partial->pieces)
        whole.octets.insert(whole.octets.end(), piece.content.begin(), piece.content.end());
    partials_.erase(partial);
    return whole;
}

std::optional<TimePoint> FragmentAssembly::deadline() const {
    std::optional<TimePoint> earliest;
    for (const auto& each : partials_)
        earliest = earliest ? std::min(*earliest, each.give_up) : each.give_up;
    return earliest;
}

void FragmentAssembly::on_deadline(TimePoint now) {
    std::erase_if(partials_, [&](const Partial& each) { return each.give_up <= now; });
}

std::size_t FragmentAssembly::kept() const {
    std::size_t octets = 0;
    for (const auto& each : partials_)
        octets += each.octets;
    return octets;
}

} // namespace viaduct::ike
