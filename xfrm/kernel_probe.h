// Asks the running kernel what it can, by trying: states are added and deleted in a network
// namespace that nobody else is in.
#pragma once

#include "netns/netlink_socket.h"
#include "policy/proposal.h"
#include "xfrm/kernel_features.h"

#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace viaduct::xfrm {

class KernelProbe {
public:
    /// Makes the namespace, which goes with the object. Needs CAP_SYS_ADMIN.
    static std::expected<KernelProbe, netns::SystemError> open();
    explicit KernelProbe(std::unique_ptr<netns::NetlinkExchange> kernel)
        : kernel_(std::move(kernel)) {}

    KernelFeatures features();
    /// Those of the ciphers and integrity algorithms that the kernel does not have. It may load
    /// modules to find out. What cannot be found out counts as there.
    std::vector<policy::Transform> missing(std::span<const policy::Transform> wanted);

private:
    bool lacks(const policy::Transform& transform);

    std::unique_ptr<netns::NetlinkExchange> kernel_;
};

} // namespace viaduct::xfrm
