// The kernel's own IPsec and nftables.
#pragma once

#include "daemon/log_writer.h"
#include "daemon/router_kernel.h"

namespace viaduct::daemon {

class XfrmKernelSource : public KernelSource {
public:
    explicit XfrmKernelSource(LogWriter& log) : log_(log) {}

    std::expected<std::unique_ptr<RouterKernel>, std::string>
    open(const std::string& router, const netns::NetworkNamespace& place) override;
    std::string name() const override { return "xfrm"; }
    bool carries_esp() const override { return true; }

private:
    LogWriter& log_;
};

} // namespace viaduct::daemon
