// What a router's kernel holds beside what it ought to hold.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"
#include "xfrm/kernel_record.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
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
    /// `10.10.10.5 -> 10.10.10.4 spi 0xc0ffee01`, `out 192.168.11.0/24 -> 192.168.30.0/24`.
    std::string name;
    /// Mends it. Absent for a state that is missing or changed, which cannot be put back: its
    /// sequence numbers are lost, and RFC 4303 3.3.3 forbids to use one twice. It has to be
    /// negotiated anew.
    std::optional<netns::NetlinkMessage> remedy;
};

/// What an operator reads: `state missing`.
std::string_view to_string(KernelDifference::Kind kind);

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
    /// When advance() said so: what differs, each asked of the kernel once more, so that nothing is
    /// among it that changed during the pass. At most `most_differences`; a further pass finds the
    /// others.
    std::vector<KernelDifference> differences();
    static constexpr std::size_t most_differences = 1024;

private:
    KernelComparison(netns::NetlinkSocket socket, RecordedKernel& kernel, std::uint64_t pass)
        : socket_(std::move(socket)), kernel_(&kernel), check_(kernel.record(), pass) {}

    bool still_differs(const KernelDifference& difference);

    netns::NetlinkSocket socket_;
    RecordedKernel* kernel_;
    ListingCheck check_;
    bool policies_listed_ = false;
};

} // namespace viaduct::xfrm
