#include "daemon/dry_run_kernel.h"

#include "netns/link_message.h"
#include "policy/wanted_interface.h"
#include "xfrm/security_associations.h"
#include "xfrm/trap_table.h"

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
    bool is_foreign_change(std::span<const std::uint8_t>) override { return false; }
    void distrust_firewall() override {}
    bool has_firewall() override { return true; }
    std::optional<policy::GuardCounters> guard_counters() override { return std::nullopt; }
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
    void set_interfaces(const policy::ConnectionSet& connections) override {
        for (const auto& wanted : policy::wanted_interfaces(connections)) {
            say(LogArea::netns, fmt::format("would make: ip link add {} type xfrm if_id {}",
                                            wanted.name, wanted.if_id));
            for (const auto& address : wanted.addresses) {
                say(LogArea::netns,
                    fmt::format("    ip address add {} dev {}", address.to_string(), wanted.name));
            }
            for (const auto& route : wanted.routes) {
                say(LogArea::netns,
                    fmt::format("    ip route add {} dev {} proto {}", route.to_string(),
                                wanted.name, netns::our_route_protocol));
            }
        }
    }
    void guard_interfaces() override {}
    void note_network_change(std::span<const std::uint8_t>) override {}
    void distrust_interfaces() override {}
    void set_traps(const policy::ConnectionSet& connections) override {
        const auto changes = traps_.replace(connections);
        for (const auto trap : changes.removed) {
            say(LogArea::xfrm, fmt::format("would remove: trap {:x}", std::to_underlying(trap)));
        }
        for (const auto& trap : changes.added) {
            say(LogArea::xfrm, "would install a trap:", trap.connection);
            for (const auto& request : xfrm::SecurityAssociations::describe_trap(trap)) {
                say(LogArea::xfrm, "    " + request, trap.connection);
            }
        }
    }
    const policy::Trap* find_trap(std::uint32_t) const override { return nullptr; }
    std::optional<policy::ChildSpi> child_with(const policy::IpAddress&,
                                               policy::ChildSpi) const override {
        return std::nullopt;
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

    xfrm::TrapTable traps_;
    LogWriter& log_;
    std::string router_;
};

} // namespace

std::expected<std::unique_ptr<RouterKernel>, std::string>
DryRunKernelSource::open(const std::string& router, const netns::NetworkNamespace& /*place*/) {
    return std::make_unique<DryRunKernel>(log_, router);
}

} // namespace viaduct::daemon
