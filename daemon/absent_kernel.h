// No kernel side: everything succeeds and nothing is installed (--kernel none).
#pragma once

#include "daemon/router_kernel.h"

namespace viaduct::daemon {

class AbsentKernelSource : public KernelSource {
public:
    std::expected<std::unique_ptr<RouterKernel>, std::string>
    open(const std::string& router, const netns::NetworkNamespace& place) override;
    std::string name() const override { return "none"; }
    bool carries_esp() const override { return false; }
};

} // namespace viaduct::daemon
