// The kernel's own IPsec and nftables.
#pragma once

#include "daemon/log_writer.h"
#include "daemon/router_kernel.h"
#include "netns/nft/rule_message.h"
#include "xfrm/kernel_features.h"

#include <boost/asio/io_context.hpp>

#include <map>

namespace viaduct::daemon {

class XfrmKernelSource : public KernelSource {
public:
    /// `loop` and `log` outlive what open() returns. `owner`: of the firewall tables.
    XfrmKernelSource(boost::asio::io_context& loop, LogWriter& log, netns::nft::TableOwner owner)
        : loop_(loop), log_(log), owner_(owner) {}

    std::expected<std::unique_ptr<RouterKernel>, std::string>
    open(const std::string& router, const netns::NetworkNamespace& place) override;
    std::string name() const override { return "xfrm"; }
    bool carries_esp() const override { return true; }
    /// Each algorithm is tried once in the daemon's life.
    std::vector<policy::Transform> missing(std::span<const policy::Transform> wanted) override;
    bool sends_nat_keepalives() override { return features().nat_keepalive; }

private:
    const xfrm::KernelFeatures& features();
    void warn(const std::string& text);

    boost::asio::io_context& loop_;
    LogWriter& log_;
    netns::nft::TableOwner owner_;
    std::optional<xfrm::KernelFeatures> features_;
    std::map<policy::Transform, bool> missing_;
};

} // namespace viaduct::daemon
