// What is known of an IKE SA whatever its state and version.
#pragma once

#include "ike/fragment_assembly.h"
#include "ike/nat_traversal.h"
#include "ike/report.h"

namespace viaduct::ike {

/// What stays the same, or nearly, from the first message to the last.
struct IkeSaFacts {
    Role role = Role::initiator;
    wire::IkeSpi initiator_spi{};
    wire::IkeSpi responder_spi{};
    /// Where messages go; the first path is the one that the half-open guard knows.
    policy::UdpPath path;
    policy::UdpPath first_path;
    NatDetection nat;
    /// The responder said CHILDLESS_IKEV2_SUPPORTED (RFC 6023).
    bool childless_supported = false;
    TimePoint since;
    /// Something went along `path`.
    TimePoint last_sent{};
    /// Both sides fragment (RFC 7383). A successor by rekeying takes this and the size over.
    bool fragmentation = false;
    /// Largest IP datagram that we make of an IKE message; 0: any.
    std::uint16_t fragment_size = 0;
    FragmentAssembly fragments = {};

    wire::IkeSpi own_spi() const { return role == Role::initiator ? initiator_spi : responder_spi; }
};

} // namespace viaduct::ike
