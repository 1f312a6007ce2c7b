#include "policy/selector_narrowing.h"

#include <algorithm>

namespace viaduct::policy {

namespace {

using Selectors = std::vector<TrafficSelector>;
using SelectorSpan = std::span<const TrafficSelector>;

/// Keeps the widest selectors. A wider one takes the place of the first that it contains.
void add_widest(Selectors& selectors, const TrafficSelector& added) {
    const auto inside_added = [&](const TrafficSelector& s) { return added.contains(s); };
    if (std::ranges::any_of(selectors, [&](const TrafficSelector& s) { return s.contains(added); }))
        return;
    const auto first = std::ranges::find_if(selectors, inside_added);
    if (first == selectors.end()) {
        if (selectors.size() < max_selectors_per_side)
            selectors.push_back(added);
        return;
    }
    *first = added;
    selectors.erase(std::remove_if(first + 1, selectors.end(), inside_added), selectors.end());
}

Selectors common(SelectorSpan configured, SelectorSpan offered) {
    Selectors found;
    for (const auto& offer : offered) {
        for (const auto& allowed : configured) {
            if (const auto both = offer.intersect(allowed))
                add_widest(found, *both);
        }
    }
    return found;
}

bool has_family(const Selectors& selectors, AddressFamily family) {
    return std::ranges::contains(selectors, family, &TrafficSelector::family);
}

/// A packet has one family, so what has no counterpart can protect nothing.
void drop_unpaired_families(Selectors& local, Selectors& remote) {
    for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        const auto of_family = [&](const TrafficSelector& s) { return s.family() == family; };
        if (!has_family(local, family) || !has_family(remote, family)) {
            std::erase_if(local, of_family);
            std::erase_if(remote, of_family);
        }
    }
}

/// Whether the selectors that allow an offer's protocol and ports cover its addresses together.
bool covers(const Selectors& selectors, const TrafficSelector& offer) {
    Selectors parts;
    for (const auto& selector : selectors) {
        const auto part = selector.intersect(offer);
        if (part && part->protocol == offer.protocol && part->start_port == offer.start_port &&
            part->end_port == offer.end_port)
            parts.push_back(*part);
    }
    std::ranges::sort(parts, {}, &TrafficSelector::start_address);
    auto uncovered = std::optional(offer.start_address);
    for (const auto& part : parts) {
        if (!uncovered || part.start_address > *uncovered)
            break;
        if (part.end_address >= *uncovered)
            uncovered = part.end_address.next();
    }
    return offer.is_valid() && (!uncovered || *uncovered > offer.end_address);
}

bool covers_all(const Selectors& selectors, SelectorSpan offered) {
    return std::ranges::all_of(
        offered, [&](const TrafficSelector& offer) { return covers(selectors, offer); });
}

bool lies_inside(SelectorSpan ours, SelectorSpan answered) {
    return !answered.empty() && std::ranges::all_of(answered, [&](const TrafficSelector& answer) {
        return std::ranges::any_of(
            ours, [&](const TrafficSelector& offer) { return offer.contains(answer); });
    });
}

std::string side_text(std::string_view side, const Selectors& configured,
                      const Selectors& offered) {
    const auto list = [](const Selectors& selectors) {
        return selectors.empty() ? std::string("none") : to_string(selectors);
    };
    return std::string(side) + " differs (configured " + list(configured) + ", offered " +
           list(offered) + ")";
}

SelectorMismatch mismatch(SelectorSpan configured_local, SelectorSpan configured_remote,
                          SelectorSpan offered_local, SelectorSpan offered_remote) {
    return {{configured_local.begin(), configured_local.end()},
            {configured_remote.begin(), configured_remote.end()},
            {offered_local.begin(), offered_local.end()},
            {offered_remote.begin(), offered_remote.end()}};
}

} // namespace

std::string SelectorMismatch::to_string() const {
    std::string text = "no traffic selectors in common: ";
    if (local_differs)
        text += side_text("local", configured_local, offered_local);
    if (local_differs && remote_differs)
        text += ", ";
    if (remote_differs)
        text += side_text("remote", configured_remote, offered_remote);
    return text;
}

std::expected<NarrowedSelectors, SelectorMismatch> narrow(SelectorSpan configured_local,
                                                          SelectorSpan configured_remote,
                                                          SelectorSpan offered_local,
                                                          SelectorSpan offered_remote) {
    NarrowedSelectors narrowed;
    narrowed.local_ = common(configured_local, offered_local);
    narrowed.remote_ = common(configured_remote, offered_remote);
    auto difference = mismatch(configured_local, configured_remote, offered_local, offered_remote);
    difference.local_differs = narrowed.local_.empty();
    difference.remote_differs = narrowed.remote_.empty();
    if (difference.local_differs || difference.remote_differs)
        return std::unexpected(std::move(difference));

    drop_unpaired_families(narrowed.local_, narrowed.remote_);
    if (narrowed.local_.empty()) {
        difference.local_differs = difference.remote_differs = true;
        return std::unexpected(std::move(difference));
    }
    narrowed.reduced_ = !covers_all(narrowed.local_, offered_local) ||
                        !covers_all(narrowed.remote_, offered_remote);
    return narrowed;
}

std::expected<NarrowedSelectors, SelectorMismatch> verify_narrowing(SelectorSpan our_local,
                                                                    SelectorSpan our_remote,
                                                                    SelectorSpan answered_local,
                                                                    SelectorSpan answered_remote) {
    auto difference = mismatch(our_local, our_remote, answered_local, answered_remote);
    difference.local_differs = !lies_inside(our_local, answered_local);
    difference.remote_differs = !lies_inside(our_remote, answered_remote);
    if (difference.local_differs || difference.remote_differs)
        return std::unexpected(std::move(difference));
    auto narrowed = narrow(our_local, our_remote, answered_local, answered_remote);
    if (narrowed)
        narrowed->reduced_ =
            !covers_all(narrowed->local_, our_local) || !covers_all(narrowed->remote_, our_remote);
    return narrowed;
}

} // namespace viaduct::policy
