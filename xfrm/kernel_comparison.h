// What a router's kernel holds beside what it ought to hold.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"
#include "xfrm/difference_review.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace viaduct::xfrm {

/// Compares listed messages with a record. A pure value.
class ListingCheck {
public:
    /// `record` outlives it. `pass` is another number for each, never 0.
    ListingCheck(KernelRecord& record, std::uint64_t pass) : record_(&record), pass_(pass) {}

    /// One message of a listing of policies or states.
    void take(std::span<const std::uint8_t> message);
    /// When everything was listed. What was put there or removed meanwhile may be among it.
    std::vector<KernelDifference> finish();

private:
    void take_state(const ListedState& listed, std::span<const std::uint8_t> message);
    void take_policy(const ListedPolicy& listed, std::span<const std::uint8_t> message);
    void note(KernelDifference difference);

    KernelRecord* record_;
    std::uint64_t pass_;
    std::vector<KernelDifference> found_;
};

/// One pass over all policies and states of a router, piece by piece.
class KernelComparison {
public:
    /// `kernel` outlives the pass; `pass` as for ListingCheck.
    static std::expected<KernelComparison, netns::SystemError>
    begin(const netns::NetworkNamespace& router, RecordedKernel& kernel, std::uint64_t pass);

    /// Looks at some hundred of them. True when all have been looked at.
    std::expected<bool, netns::SystemError> advance();
    /// When advance() said so: as DifferenceReview::next(), of at most `most_differences`; a
    /// further pass finds the others.
    std::optional<std::vector<KernelDifference>> next_differences();
    static constexpr std::size_t most_differences = 1024;

private:
    KernelComparison(netns::NetlinkSocket socket, RecordedKernel& kernel, std::uint64_t pass)
        : socket_(std::move(socket)), kernel_(&kernel), check_(kernel.record(), pass) {}

    netns::NetlinkSocket socket_;
    RecordedKernel* kernel_;
    ListingCheck check_;
    bool policies_listed_ = false;
    std::optional<DifferenceReview> review_;
};

} // namespace viaduct::xfrm
