#include "daemon/absent_kernel.h"

namespace viaduct::daemon {

namespace {

class AbsentKernel : public RouterKernel {
public:
    std::expected<void, std::string> install_firewall(const policy::FirewallRules&) override {
        return {};
    }
    std::expected<void, std::string> remove_firewall() override { return {}; }
    bool is_foreign_change(std::span<const std::uint8_t>) override { return false; }
    void distrust_firewall() override {}
    bool has_firewall() override { return true; }
    std::optional<policy::GuardCounters> guard_counters() override { return std::nullopt; }
    std::expected<void, std::string> install(const policy::ChildSa&) override { return {}; }
    std::expected<void, std::string> install_inbound(const policy::ChildSa&) override { return {}; }
    std::expected<void, std::string> install_outbound(const policy::ChildSa&) override {
        return {};
    }
    std::expected<void, std::string> remove_outbound(policy::ChildSaId) override { return {}; }
    std::expected<void, std::string> move(policy::ChildSaId, const policy::UdpPath&,
                                          const std::optional<policy::UdpEncapsulation>&) override {
        return {};
    }
    std::expected<void, std::string> remove(policy::ChildSaId) override { return {}; }
    void set_interfaces(const policy::ConnectionSet&) override {}
    void guard_interfaces() override {}
    void note_network_change(std::span<const std::uint8_t>) override {}
    void distrust_interfaces() override {}
    void set_traps(const policy::ConnectionSet&) override {}
    const policy::Trap* find_trap(std::uint32_t) const override { return nullptr; }
    std::optional<policy::ChildSpi> child_with(const policy::IpAddress&,
                                               policy::ChildSpi) const override {
        return std::nullopt;
    }
    void remove_all() override {}
    std::optional<policy::ChildSaCounters> counters(policy::ChildSaId) override {
        return std::nullopt;
    }
};

} // namespace

std::expected<std::unique_ptr<RouterKernel>, std::string>
AbsentKernelSource::open(const std::string& /*router*/, const netns::NetworkNamespace& /*place*/) {
    return std::make_unique<AbsentKernel>();
}

} // namespace viaduct::daemon
