// Says in the log what would be put into the kernel (--dry-run).
#pragma once

#include "daemon/log_writer.h"
#include "daemon/router_kernel.h"

namespace viaduct::daemon {

class DryRunKernelSource : public KernelSource {
public:
    /// `log` must outlive what open() returns.
    explicit DryRunKernelSource(LogWriter& log) : log_(log) {}

    std::expected<std::unique_ptr<RouterKernel>, std::string>
    open(const std::string& router, const netns::NetworkNamespace& place) override;
    std::string name() const override { return "dry-run"; }
    bool carries_esp() const override { return false; }

private:
    LogWriter& log_;
};

} // namespace viaduct::daemon
