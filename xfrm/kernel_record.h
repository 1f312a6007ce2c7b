// What the kernel was told and has confirmed: the states and policies that ought to be there.
#pragma once

#include "netns/netlink_message.h"
#include "netns/netlink_socket.h"
#include "xfrm/fingerprint.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace viaduct::xfrm {

/// A pure value: follows requests and their answers.
class KernelRecord {
public:
    struct State {
        ListedState listed;
        /// The pass of a comparison that saw it last.
        std::uint64_t seen = 0;
    };
    struct Policy {
        ListedPolicy listed;
        /// The request that puts it there, without secrets in it.
        std::vector<std::uint8_t> request;
        std::uint64_t seen = 0;
    };

    /// A request to the kernel and what became of it. What adds or changes and was confirmed is
    /// there from now on; what removes and was confirmed, or was gone already, no longer.
    void on_answer(const netns::NetlinkMessage& request, const netns::NetlinkAnswer& answer);

    /// What the request removes is nobody's any more, whether the kernel has removed it or not: a
    /// comparison that meets it finds something left over.
    void forget(const netns::NetlinkMessage& removal);

    std::map<KernelKey, State>& states() { return states_; }
    std::map<KernelKey, Policy>& policies() { return policies_; }

private:
    std::map<KernelKey, State> states_;
    std::map<KernelKey, Policy> policies_;
};

/// A router's kernel behind its record.
class RecordedKernel {
public:
    explicit RecordedKernel(std::unique_ptr<netns::NetlinkExchange> kernel)
        : kernel_(std::move(kernel)) {}

    /// As NetlinkExchange::exchange().
    std::vector<netns::NetlinkAnswer> exchange(std::span<netns::NetlinkMessage> requests);
    KernelRecord& record() { return record_; }

private:
    std::unique_ptr<netns::NetlinkExchange> kernel_;
    KernelRecord record_;
};

} // namespace viaduct::xfrm
