#include "daemon/dry_run_kernel.h"

#include "xfrm/security_associations.h"

#include <fmt/format.h>

#include <utility>

namespace viaduct::daemon {

namespace {

class DryRunKernel : public RouterKernel {
public:
    DryRunKernel(LogWriter& log, std::string router) : log_(log), router_(std::move(router)) {}

    std::expected<void, std::string> install_firewall(const policy::FirewallRules& rules) override {
        say(LogArea::netns, "would put in place: table inet viaduct, the NAT exemption and a leak "
                            "guard for these pairs");
        for (const auto& pair : rules.guarded) {
            say(LogArea::netns,
                fmt::format("    {}-{} <-> {}-{}", pair.local_start.to_string(),
                            pair.local_end.to_string(), pair.remote_start.to_string(),
                            pair.remote_end.to_string()));
        }
        return {};
    }
    std::expected<void, std::string> remove_firewall() override {
        say(LogArea::netns, "would remove: table inet viaduct");
        return {};
    }
    bool has_firewall() override { return true; }
    std::expected<void, std::string> install(const policy::ChildSa& child) override {
        return say_installed("would install:", child, xfrm::ChildPart::both);
    }
    std::expected<void, std::string> install_inbound(const policy::ChildSa& child) override {
        return say_installed("would install, inbound only:", child, xfrm::ChildPart::inbound);
    }
    std::expected<void, std::string> install_outbound(const policy::ChildSa& child) override {
        return say_installed("would install, outbound only:", child, xfrm::ChildPart::outbound);
    }
    std::expected<void, std::string> remove_outbound(policy::ChildSaId child) override {
        say(LogArea::xfrm,
            fmt::format("would remove: the outbound SA of child SA {}", std::to_underlying(child)));
        return {};
    }
    std::expected<void, std::string>
    move(policy::ChildSaId child, const policy::UdpPath& path,
         const std::optional<policy::UdpEncapsulation>& encapsulation) override {
        const auto end = [&](const policy::UdpEndpoint& endpoint, std::uint16_t port) {
            return encapsulation ? fmt::format("{}[{}]", endpoint.address.to_string(), port)
                                 : endpoint.address.to_string();
        };
        const auto ports = encapsulation.value_or(policy::UdpEncapsulation{});
        say(LogArea::xfrm,
            fmt::format("would move: child SA {} to {} <-> {}", std::to_underlying(child),
                        end(path.local, ports.local_port), end(path.remote, ports.remote_port)));
        return {};
    }
    std::expected<void, std::string> remove(policy::ChildSaId child) override {
        say(LogArea::xfrm, fmt::format("would remove: child SA {}", std::to_underlying(child)));
        return {};
    }
    void remove_all() override {}
    std::optional<policy::ChildSaCounters> counters(policy::ChildSaId) override {
        return std::nullopt;
    }

private:
    std::expected<void, std::string> say_installed(const char* what, const policy::ChildSa& child,
                                                   xfrm::ChildPart part) {
        say(LogArea::xfrm, what, child.connection);
        for (const auto& request : xfrm::SecurityAssociations::describe(child, part)) {
            say(LogArea::xfrm, "    " + request, child.connection);
        }
        return {};
    }
    void say(LogArea area, const std::string& text, std::string_view connection = {}) {
        log_.write(area, LogLevel::info, text, {.router = router_, .connection = connection});
    }

    LogWriter& log_;
    std::string router_;
};

} // namespace

std::expected<std::unique_ptr<RouterKernel>, std::string>
DryRunKernelSource::open(const std::string& router, const netns::NetworkNamespace& /*place*/) {
    return std::make_unique<DryRunKernel>(log_, router);
}

} // namespace viaduct::daemon
