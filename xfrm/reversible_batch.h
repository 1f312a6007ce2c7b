// Requests to the kernel that are done together or not at all, as far as the kernel lets them.
#pragma once

#include "xfrm/kernel_record.h"

#include <expected>
#include <optional>
#include <vector>

namespace viaduct::xfrm {

class ReversibleBatch {
public:
    /// `inverse` takes back what the request does.
    void add(netns::NetlinkMessage request, netns::NetlinkMessage inverse);
    /// As add(), for a request that has succeeded too when what it removes is not there.
    void add_removal(netns::NetlinkMessage request, netns::NetlinkMessage inverse);

    /// Sends all requests as one. If one fails, sends the inverses of what may have been done, the
    /// last first, and says which failed.
    std::expected<void, netns::SystemError> send(RecordedKernel& kernel);

private:
    std::vector<netns::NetlinkMessage> requests_;
    std::vector<netns::NetlinkMessage> inverses_;
    /// By request: whether what is gone already is no failure.
    std::vector<bool> removals_;
};

/// The kernel's words for what it does not have.
bool is_gone(const netns::SystemError& error);

} // namespace viaduct::xfrm
