// Child SAs in a router's kernel: states and policies, installed, moved and removed in batches.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"
#include "policy/child_sa.h"
#include "xfrm/kernel_comparison.h"
#include "xfrm/kernel_features.h"
#include "xfrm/policy_message.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::xfrm {

/// Why the kernel did not take a child SA: the request that failed and its error.
struct KernelFailure {
    /// `NEWSA in 10.10.10.5 -> 10.10.10.4 spi 0xc0ffee01`.
    std::string request;
    netns::SystemError error;

    std::string to_string() const;
};

/// Why hardware does not do what a child asks of it.
struct OffloadRefusal {
    /// The child's.
    std::string connection;
    /// The interface that was asked.
    std::uint32_t interface_index = 0;
    std::string reason;
};

/// What of a child SA: its inbound state with the policies of what arrives, its outbound state with
/// the policies of what leaves, or both.
enum class ChildPart : std::uint8_t { both, inbound, outbound };

/// Which interface packets between two outer addresses pass; 0: none. Asked for children that want
/// hardware to work for them.
using InterfaceLookup =
    std::function<std::uint32_t(const policy::IpAddress& local, const policy::IpAddress& remote)>;

/// The child SAs of one router. Owns a command socket without subscriptions in its namespace.
class SecurityAssociations {
public:
    static std::expected<SecurityAssociations, netns::SystemError>
    open(const netns::NetworkNamespace& router, const KernelFeatures& features = {},
         InterfaceLookup interface_between = {});
    /// Over a kernel of a test's own.
    explicit SecurityAssociations(std::unique_ptr<netns::NetlinkExchange> kernel,
                                  const KernelFeatures& features = {},
                                  InterfaceLookup interface_between = {});
    SecurityAssociations(SecurityAssociations&&) noexcept;
    SecurityAssociations& operator=(SecurityAssociations&&) noexcept;
    ~SecurityAssociations();

    /// Both states and the policies in, out and forward for every pair of selectors of one family,
    /// as one send. If one request fails, what the others made is taken back. Where hardware does
    /// not take over what the child asks of it, the kernel does that.
    std::expected<void, KernelFailure> install(const policy::ChildSa& child);
    /// The inbound state and the policies in and forward, in the same way.
    std::expected<void, KernelFailure> install_inbound(const policy::ChildSa& child);
    /// The outbound state and the policies out of a child of which install_inbound() put the rest
    /// there. The kernel takes the newest state of a reqid for packets to come. If it fails,
    /// nothing of the child stays.
    std::expected<void, KernelFailure> install_outbound(const policy::ChildSa& child);
    /// The outbound state only; the policies stay. No failure when it is gone already.
    std::expected<void, KernelFailure> remove_outbound(policy::ChildSaId child);
    /// The states of the child, and where its policies lead, between other addresses or ports.
    /// Where the ports alone change, the kernel does that in place. Otherwise states are read and
    /// made again: outbound with some sequence numbers left out, inbound without what arrives while
    /// this goes on. If it fails, everything is as it was but for sequence numbers.
    std::expected<void, KernelFailure>
    move(policy::ChildSaId child, const policy::UdpPath& path,
         const std::optional<policy::UdpEncapsulation>& encapsulation);
    /// Whatever is left of the child. No failure when something is gone already. Policies that
    /// another installed child shares stay.
    std::expected<void, KernelFailure> remove(policy::ChildSaId child);
    /// Of an outbound state that remove_outbound() took out: what it had counted. Fails with ESRCH
    /// when the child is not installed or the kernel lost a state of it.
    std::expected<policy::ChildSaCounters, KernelFailure> counters(policy::ChildSaId child);

    /// Begins to compare the kernel with what was installed; `router` is the namespace that this
    /// was opened in. This object outlives the comparison.
    std::expected<KernelComparison, netns::SystemError>
    compare(const netns::NetworkNamespace& router);
    /// Compares messages that somebody else has listed in the same way.
    ListingCheck check_listing();
    /// Does what mends a difference; nothing for one without a remedy.
    std::expected<void, KernelFailure> mend(const KernelDifference& difference);
    /// The inbound SPI of the child whose state differs; nothing when it is no child's.
    std::optional<policy::ChildSpi> child_of(const KernelDifference& difference) const;

    /// The policies of a trap, see trapping_child(): what its packets meet while no child has
    /// policies with their selectors, which replace the trap's in place. Of two traps with one
    /// selector the earlier decides. If it fails, nothing of it stays.
    std::expected<void, KernelFailure> install_trap(const policy::ChildSa& trap);
    /// No failure when it is gone already.
    std::expected<void, KernelFailure> remove_trap(policy::ChildSaId trap);
    /// Our SPI of the child that has a state with this destination and SPI.
    std::optional<policy::ChildSpi> child_with(const policy::IpAddress& destination,
                                               policy::ChildSpi spi) const;
    /// Why hardware did not take over the work of the last child that asked for it, at its
    /// installation or when it moved, since this was asked last.
    std::optional<OffloadRefusal> take_offload_refusal();
    /// Takes out everything that this object installed.
    void remove_all();
    /// Whether the router passes on packets in clear that no policy is about.
    std::expected<void, KernelFailure> set_forwarding(ForwardedInClear what);
    /// Nothing where the kernel does not say (before 5.14).
    std::optional<ForwardedInClear> forwarding();

    /// The requests that would put this part of the child there, one a line in the words of ip(8),
    /// without keys.
    static std::vector<std::string> describe(const policy::ChildSa& child,
                                             ChildPart part = ChildPart::both);
    /// The same for a trap.
    static std::vector<std::string> describe_trap(const policy::ChildSa& trap);

private:
    struct Router;
    std::expected<void, KernelFailure> put(const policy::ChildSa& child, ChildPart part);

    std::unique_ptr<Router> router_;
};

} // namespace viaduct::xfrm
