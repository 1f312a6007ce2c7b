// What comes out of the protocol machine for others to carry out. Plain values.
#pragma once

#include "ike/input.h"
#include "ike/report.h"
#include "policy/child_sa.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace viaduct::ike {

/// Send these octets from path.local to path.remote. The non-ESP marker is already in front where
/// the port wants it.
struct SendDatagram {
    policy::UdpPath path;
    std::vector<std::uint8_t> octets;
};
/// Put both SAs and their policies into the kernel. A refusal comes back as ChildSaInstallFailed.
struct InstallChildSa {
    policy::ChildSa child;
};
/// Put only what a child receives with into the kernel: the inbound SA, and the policies of what
/// arrives. The peer is not known to have its inbound side yet; outbound traffic stays where it is.
/// A refusal comes back as ChildSaInstallFailed.
struct InstallInboundSa {
    policy::ChildSa child;
};
/// Put the outbound SA of a child there whose inbound SA is installed; traffic moves to it. A
/// refusal comes back as ChildSaInstallFailed, and then nothing of the child remains.
struct InstallOutboundSa {
    policy::ChildSa child;
};
/// Take out the outbound SA only: what the peer has under way still arrives through the inbound SA
/// and the policies. For a child whose successor has its outbound SA, or for one that is to send
/// nothing more; it happens a second later, since a packet that has chosen the SA must still find
/// it. Not answered; what is not there is no failure.
struct RemoveOutboundSa {
    policy::ChildSaId child{};
};
/// The peer's NAT mapping, or an address, has changed. The SAs of the child keep their SPIs, keys,
/// replay windows, sequence numbers and counters, and travel between these ends from now on. Where
/// the kernel refuses they stay as they were, and the answer is the kernel event SoftExpired: new
/// ones go the new way.
struct MoveChildSa {
    policy::ChildSaId child{};
    policy::ChildSpi inbound_spi{};
    policy::UdpPath path;
    /// None: ESP without UDP, between the addresses of `path`.
    std::optional<policy::UdpEncapsulation> encapsulation;
};
/// Read what the child has received. Answered by the kernel event TrafficRead.
struct ReadTraffic {
    policy::ChildSaId child{};
};
/// Take out whatever is left of a child, whichever of the above came before. Not answered; what is
/// not there is no failure.
struct RemoveChildSa {
    policy::ChildSaId child{};
};
/// Resolve a DNS name and answer with the command NameResolved.
struct ResolveName {
    std::string name;
};
struct Report {
    ReportEvent event;
};

using Effect =
    std::variant<SendDatagram, InstallChildSa, InstallInboundSa, InstallOutboundSa,
                 RemoveOutboundSa, MoveChildSa, ReadTraffic, RemoveChildSa, ResolveName, Report>;

} // namespace viaduct::ike
