// What a router asks of its kernel, and who answers: the kernel itself, nobody, or a line in the
// log that says what would be done.
#pragma once

#include "netns/network_namespace.h"
#include "netns/tunnel_interfaces.h"
#include "policy/child_sa.h"
#include "policy/firewall_rules.h"
#include "policy/trap.h"
#include "xfrm/kernel_comparison.h"

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace viaduct::daemon {

/// What the kernel holds otherwise than it was told to, and what follows.
struct KernelDrift {
    xfrm::KernelDifference difference;
    /// Of the child SA whose state it is: it has to be rekeyed.
    std::optional<policy::ChildSpi> child;
};

/// What a piece of a comparison has found.
struct ComparedPiece {
    std::vector<KernelDrift> drifts{};
    bool complete = false;
};

/// The kernel side of one router. Errors are sentences for an operator.
class RouterKernel {
public:
    virtual ~RouterKernel() = default;

    /// Puts the router's firewall table there, or replaces it.
    virtual std::expected<void, std::string> install_firewall(const policy::FirewallRules&) = 0;
    virtual std::expected<void, std::string> remove_firewall() = 0;
    /// Whether this notification of nftables, from the router's namespace, says that somebody else
    /// changed the table.
    virtual bool is_foreign_change(std::span<const std::uint8_t> notification) = 0;
    /// Somebody else may have changed the table: the next install_firewall() replaces it whole.
    virtual void distrust_firewall() = 0;
    /// Whether the table is as install_firewall() left it last, as far as anybody has told.
    virtual bool trusts_firewall() { return true; }
    /// Whether the table is there; yes when that cannot be found out.
    virtual bool has_firewall() = 0;
    /// What the leak guard has dropped; nothing when there is no table, or nobody counts.
    virtual std::optional<policy::GuardCounters> guard_counters() = 0;
    virtual std::expected<void, std::string> install(const policy::ChildSa& child) = 0;
    /// The inbound SA of a child, with the policies of what arrives.
    virtual std::expected<void, std::string> install_inbound(const policy::ChildSa& child) = 0;
    /// The rest of a child whose inbound SA is installed. When it fails, nothing remains of it.
    virtual std::expected<void, std::string> install_outbound(const policy::ChildSa& child) = 0;
    virtual std::expected<void, std::string> remove_outbound(policy::ChildSaId child) = 0;
    /// The child's SAs travel between these ends from now on. When it fails, they are as before.
    virtual std::expected<void, std::string>
    move(policy::ChildSaId child, const policy::UdpPath& path,
         const std::optional<policy::UdpEncapsulation>& encapsulation) = 0;
    /// Whatever is left of the child.
    virtual std::expected<void, std::string> remove(policy::ChildSaId child) = 0;
    /// The XFRM interfaces of the route-based connections among these, with their addresses and
    /// routes, and no others of ours. What the kernel refuses is logged and tried again.
    virtual void set_interfaces(const policy::ConnectionSet& connections) = 0;
    /// Puts back what of them somebody took away or changed. To be called about once a second.
    virtual void guard_interfaces() = 0;
    /// What the interfaces lack, all of it, without changing anything.
    virtual netns::InterfaceReview look_at_interfaces() { return {}; }
    /// Puts it back, and tells what lacked and what could not be done.
    virtual netns::InterfaceReview mend_interfaces() { return {}; }
    /// A notification of rtnetlink from the router's namespace: what is missing after it is found
    /// by the next guard_interfaces().
    virtual void note_network_change(std::span<const std::uint8_t> notification) = 0;
    /// Such notifications were lost.
    virtual void distrust_interfaces() = 0;
    /// Fits what is sent to the ways to the peers, where they have become wider or narrower: TCP
    /// segments and interfaces. To be called about once a second.
    virtual void follow_paths() {}
    /// The traps of the on-demand connections among these, and no others. One that the kernel
    /// refuses is left out and logged.
    virtual void set_traps(const policy::ConnectionSet& connections) = 0;
    /// What the trap with this reqid stands for; null: none has it.
    virtual const policy::Trap* find_trap(std::uint32_t reqid) const = 0;
    /// Our SPI of the child that has a state with this destination and SPI.
    virtual std::optional<policy::ChildSpi> child_with(const policy::IpAddress& destination,
                                                       policy::ChildSpi spi) const = 0;
    virtual void remove_all() = 0;
    /// The router's namespace has lost its name and is about to die. The kernel takes it apart
    /// piece by piece, the firewall table long before the routes: from now on it passes nothing on
    /// in clear. The daemon's own network goes on.
    virtual void abandon() {}
    /// Nothing when the child is not installed, or nobody counts.
    virtual std::optional<policy::ChildSaCounters> counters(policy::ChildSaId child) = 0;

    /// Begins to compare the kernel with what was installed; a comparison under way is given up.
    virtual std::expected<void, std::string> begin_comparison() { return {}; }
    /// Does a piece of it, without waiting.
    virtual std::expected<ComparedPiece, std::string> continue_comparison() {
        return ComparedPiece{.complete = true};
    }
    /// Puts back or takes out what can be; a child SA is for the protocol machine.
    virtual std::expected<void, std::string> mend(const KernelDrift&) { return {}; }
};

/// Makes the kernel side of a router.
class KernelSource {
public:
    virtual ~KernelSource() = default;

    /// `router` is its name, for the log. The namespace must outlive the result.
    virtual std::expected<std::unique_ptr<RouterKernel>, std::string>
    open(const std::string& router, const netns::NetworkNamespace& place) = 0;
    /// `xfrm`, `none`, `dry-run`.
    virtual std::string name() const = 0;
    /// Those of the ESP algorithms that the kernel does not have.
    virtual std::vector<policy::Transform> missing(std::span<const policy::Transform> /*wanted*/) {
        return {};
    }
    /// Whether the kernel sends the NAT keepalives that a child SA asks for.
    virtual bool sends_nat_keepalives() { return false; }
    /// Whether ESP arrives on the router's NAT port, and its sockets pass over XFRM policies.
    virtual bool carries_esp() const = 0;
};

} // namespace viaduct::daemon
