// What the handling of one input may read and touch, whatever the version. Made by the endpoint for
// each input.
#pragma once

#include "ike/child_spi_table.h"
#include "ike/connection_directory.h"
#include "ike/effect.h"
#include "ike/settings.h"
#include "policy/child_selectors.h"

#include <botan/rng.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace viaduct::ike {

/// A child SA that carries nothing any more but what the peer has under way.
struct RetiredChild {
    policy::ChildSaId child{};
    policy::ChildSpi inbound_spi{};
};

/// Messages were handled before it was known which connection they are about; now it is, or it is
/// known to be one of several that cannot be told apart.
struct Ascription {
    std::vector<std::string> connections;
    /// Of earlier turns, in arrow notation.
    std::vector<std::string> earlier;
};

/// Who has a child SA: a peer of a connection.
struct ChildUser {
    std::string connection;
    policy::Identity peer;
    friend bool operator==(const ChildUser&, const ChildUser&) = default;
};

/// One that has what somebody else wants, and our SPI of its IKE SA.
struct OtherUser {
    ChildUser who;
    wire::IkeSpi spi{};
};

/// Whether a peer says that it has no other IKE SA with us.
enum class FirstContact : bool { no, yes };

struct Turn {
    TimePoint now;
    Botan::RandomNumberGenerator& rng;
    const EndpointSettings& settings;
    ConnectionDirectory& directory;
    ChildSpiTable& child_spis;
    DropCounters& dropped;
    std::deque<Effect>& effects;
    /// Whether a connection has an IKE SA that is up.
    std::function<bool(const std::string& connection)> is_up;
    /// Whether we are to bring a connection up and keep it up.
    std::function<bool(const std::string& connection)> is_wanted;
    /// Whether a child that the connection wants is to be made now; of an on-demand connection only
    /// those that there is traffic for.
    std::function<bool(const policy::Connection& connection, const policy::ChildSelectors& child)>
        is_demanded;
    /// An IKE SPI that no other IKE SA of the endpoint has.
    std::function<wire::IkeSpi()> draw_ike_spi;
    /// Whether the IKE SA with our SPI `spi` is established and not closing.
    std::function<bool(wire::IkeSpi spi)> is_alive;
    /// Whether a connection has another established IKE SA than the one with our SPI `spi`. Its
    /// children's outbound sides that wait go in first: traffic is about to leave this SA.
    std::function<bool(const std::string& connection, wire::IkeSpi spi)> hand_over;
    /// The same question without the consequence.
    std::function<bool(const std::string& connection, wire::IkeSpi spi)> is_carried_elsewhere;
    /// Whether this peer has an IKE SA of the connection already.
    std::function<bool(const std::string& connection, const policy::Identity& peer)> has_peer;
    /// Why the connection takes no other IKE SA of this peer's; nothing where it takes one, in the
    /// place of the peer's older ones if need be.
    std::function<std::optional<Cause>(const std::string& connection, const policy::Identity& peer,
                                       FirstContact first_contact)>
        no_room;
    /// Whether this peer has ISAKMP SAs of the connection, and none of them with this address.
    std::function<bool(const std::string& connection, const policy::Identity& peer,
                       const policy::IpAddress& address)>
        v1_peer_is_elsewhere;
    /// How many children other IKE SAs have of the connection and peer of the one with our SPI
    /// `spi`. In IKEv1 all move to the newest; after an edit of the version some may be IKEv2's.
    std::function<std::size_t(const std::string& connection, wire::IkeSpi spi)> children_elsewhere;
    /// The child that carries the traffic between these selectors under the ISAKMP SA that has the
    /// children of the one with our SPI `spi` now.
    std::function<std::optional<policy::ChildSaId>(const std::string& connection, wire::IkeSpi spi,
                                                   const policy::ChildSelectors& selectors)>
        v1_carrier_elsewhere;
    /// Who else at the far end of `path`, beside this peer, has a child SA between the two gateways
    /// that takes some of these packets. The peer is the same where the UDP port is, whatever it
    /// calls itself, and where connection and identity are, through whatever mapping of a NAT it
    /// comes.
    std::function<std::optional<OtherUser>(const policy::UdpPath& path, const ChildUser& peer,
                                           const policy::ChildSelectors& selectors)>
        user_between_gateways;
    /// By the time at which they leave the kernel.
    std::multimap<TimePoint, RetiredChild>& retired;
    std::optional<Ascription> ascription = std::nullopt;

    /// Whether we may say that we have no other IKE SA with this peer (RFC 7296 section 2.4).
    bool is_initial_contact(const policy::Connection& connection) const {
        return !is_up(connection.name) && directory.alone_between_identities(connection);
    }
    /// Sends an IKE message, with the non-ESP marker where the port wants it.
    void send(const policy::UdpPath& path, std::span<const std::uint8_t> message);
    /// The messages that one exchange message travels in, in their order.
    void send(const policy::UdpPath& path, std::span<const std::vector<std::uint8_t>> messages);
    void report(ReportEvent event) { effects.emplace_back(Report{std::move(event)}); }
};

} // namespace viaduct::ike
