// Narrowing (RFC 7296 section 2.9): the part of an offer that the configuration allows.
#pragma once

#include "policy/traffic_selector.h"

namespace viaduct::policy {

/// As many as a TS payload can count (RFC 7296 section 3.13). What would be more is left out.
inline constexpr std::size_t max_selectors_per_side = 255;

/// Why two sets of selectors have nothing in common.
struct SelectorMismatch {
    std::vector<TrafficSelector> configured_local;
    std::vector<TrafficSelector> configured_remote;
    std::vector<TrafficSelector> offered_local;
    std::vector<TrafficSelector> offered_remote;
    /// Which sides had nothing in common; both, when no address family is left on both.
    bool local_differs = false;
    bool remote_differs = false;

    std::string to_string() const;
    friend bool operator==(const SelectorMismatch&, const SelectorMismatch&) = default;
};

/// Selectors that lie inside both the offer and the configuration. Made by narrow() and
/// verify_narrowing() only, so that nothing wider reaches the kernel.
class NarrowedSelectors {
public:
    const std::vector<TrafficSelector>& local() const { return local_; }
    const std::vector<TrafficSelector>& remote() const { return remote_; }
    /// Whether anything of the offer was left out.
    bool reduced() const { return reduced_; }
    friend bool operator==(const NarrowedSelectors&, const NarrowedSelectors&) = default;

private:
    NarrowedSelectors() = default;
    friend std::expected<NarrowedSelectors, SelectorMismatch>
        narrow(std::span<const TrafficSelector>, std::span<const TrafficSelector>,
               std::span<const TrafficSelector>, std::span<const TrafficSelector>);
    friend std::expected<NarrowedSelectors, SelectorMismatch>
        verify_narrowing(std::span<const TrafficSelector>, std::span<const TrafficSelector>,
                         std::span<const TrafficSelector>, std::span<const TrafficSelector>);

    std::vector<TrafficSelector> local_;
    std::vector<TrafficSelector> remote_;
    bool reduced_ = false;
};

/// As responder: all common parts, in the order of the offer, without duplicates and without one
/// inside another. "Local" is our side: the peer's TSr.
/// A family that remains on one side only is left out.
std::expected<NarrowedSelectors, SelectorMismatch>
narrow(std::span<const TrafficSelector> configured_local,
       std::span<const TrafficSelector> configured_remote,
       std::span<const TrafficSelector> offered_local,
       std::span<const TrafficSelector> offered_remote);

/// As initiator: checks that each selector of the answer lies inside one that we offered.
/// The mismatch carries our offer as configured and the answer as offered.
std::expected<NarrowedSelectors, SelectorMismatch>
verify_narrowing(std::span<const TrafficSelector> our_local,
                 std::span<const TrafficSelector> our_remote,
                 std::span<const TrafficSelector> answered_local,
                 std::span<const TrafficSelector> answered_remote);

} // namespace viaduct::policy
