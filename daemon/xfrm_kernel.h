// The kernel's own IPsec and nftables.
#pragma once

#include "daemon/log_writer.h"
#include "daemon/router_kernel.h"

#include <boost/asio/io_context.hpp>

namespace viaduct::daemon {

class XfrmKernelSource : public KernelSource {
public:
    /// Both outlive what open() returns.
    XfrmKernelSource(boost::asio::io_context& loop, LogWriter& log) : loop_(loop), log_(log) {}

    std::expected<std::unique_ptr<RouterKernel>, std::string>
    open(const std::string& router, const netns::NetworkNamespace& place) override;
    std::string name() const override { return "xfrm"; }
    bool carries_esp() const override { return true; }

private:
    boost::asio::io_context& loop_;
    LogWriter& log_;
};

} // namespace viaduct::daemon
