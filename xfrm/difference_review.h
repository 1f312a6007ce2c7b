// What was found to differ, asked of the kernel once more.
#pragma once

#include "netns/netlink_message.h"
#include "xfrm/kernel_record.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::xfrm {

/// One thing in which they differ. Only what carries one of our reqids is looked at.
struct KernelDifference {
    enum class Kind : std::uint8_t {
        state_missing,
        state_changed,
        state_left_over, ///< of nobody that we know
        policy_missing,
        policy_changed,
        policy_left_over,
    };
    Kind kind{};
    KernelKey key;
    /// Of a state, in host byte order; 0 for a policy.
    std::uint32_t spi = 0;
    /// `10.10.10.5 -> 10.10.10.4 spi 0xc0ffee01`, `out 192.168.11.0/24 -> 192.168.30.0/24`.
    std::string name;
    /// Mends it. Absent for a state that is missing or changed, which cannot be put back: its
    /// sequence numbers are lost, and RFC 4303 3.3.3 forbids to use one twice. It has to be
    /// negotiated anew.
    std::optional<netns::NetlinkMessage> remedy;
};

/// What an operator reads: `state missing`.
std::string_view to_string(KernelDifference::Kind kind);

/// The request that puts the policy back.
netns::NetlinkMessage remedy_of(const KernelRecord::Policy& policy);

/// Goes through what a listing found, piece by piece: some of it changed while the kernel listed.
class DifferenceReview {
public:
    /// `kernel` outlives it.
    DifferenceReview(RecordedKernel& kernel, std::vector<KernelDifference> found)
        : kernel_(&kernel), found_(std::move(found)) {}

    /// Looks at the next `at_once`, with one question to the kernel about each at most, and tells
    /// which of them differ still. Nothing when all have been looked at.
    std::optional<std::vector<KernelDifference>> next();
    static constexpr std::size_t at_once = 64;

private:
    RecordedKernel* kernel_;
    std::vector<KernelDifference> found_;
    std::size_t looked_at_ = 0;
};

} // namespace viaduct::xfrm
