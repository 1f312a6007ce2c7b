// What one kernel can do and another cannot.
#pragma once

namespace viaduct::xfrm {

/// Beyond what every kernel can that we support. Found out by asking it (kernel_probe.h).
struct KernelFeatures {
    /// A state says in which direction it is used (XFRMA_SA_DIR), and the kernel holds it to that.
    bool sa_direction = false;
    /// Outbound states in UDP send NAT keepalives (XFRMA_NAT_KEEPALIVE_INTERVAL).
    bool nat_keepalive = false;

    friend bool operator==(const KernelFeatures&, const KernelFeatures&) = default;
};

} // namespace viaduct::xfrm
