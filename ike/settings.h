// What an endpoint is told once, at its making.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace viaduct::ike {

struct EndpointSettings {
    /// Our UDP ports of IKE and of IKE beside ESP in UDP (RFC 3948). They differ. The peer's are
    /// its connection's.
    std::uint16_t ike_port = 500;
    std::uint16_t nat_port = 4500;
    /// Start only this connection by itself, and answer for no other; empty: all.
    std::string only_connection;
    /// Whether the kernel sends NAT keepalives along with an outbound SA that asks for them.
    bool kernel_sends_keepalives = false;
    /// Whether MessageReports carry `details` (costs time).
    bool message_details = false;
    /// Half-open IKE SAs (as responder) that are kept, in all and for one address of peers;
    /// requests beyond are dropped.
    std::size_t half_open_limit = 10000;
    std::size_t half_open_limit_per_address = 1000;
    /// From this many half-open IKE SAs on, in all and for one address, a new request is taken on
    /// only with a cookie. Forged addresses get no further.
    std::size_t cookie_threshold = 100;
    std::size_t cookie_threshold_per_address = 50;
    /// Established IKE SAs that one peer has of a connection: beyond that the oldest goes whose
    /// children others have. Where each has children of its own twice as many stand, and the next
    /// is refused; where all are to stay, the next is refused at once. As many that the peer has
    /// rekeyed wait for its Delete.
    std::size_t ike_sa_limit = 16;
    /// Peers that have IKE SAs of one connection.
    std::size_t peer_limit = 4096;
    /// Child SAs of one IKE SA that traffic can go by: as many as can be configured, also when both
    /// ends make each at the same moment. With those that are replaced there are twice as many. In
    /// IKEv1 of all ISAKMP SAs that the peer has of a connection.
    std::size_t child_sa_limit = 2048;
    /// An IKE SA uses no higher message ID, in either direction. At half of it it is rekeyed; what
    /// was not rekeyed by then ends (RFC 7296 section 2.2).
    std::uint32_t last_message_id = 0xffffffff;
};

} // namespace viaduct::ike
