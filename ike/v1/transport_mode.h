// Transport mode in quick modes, also through NATs: the addresses that each side sees (RFC 3947
// section 5.2), and who has them already.
#pragma once

#include "ike/child_state.h"
#include "ike/ike_sa_facts.h"
#include "ike/v1/exchange_message.h"
#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"
#include "ike/wire/v1_message_rules.h"

#include <expected>
#include <optional>

namespace viaduct::ike::v1 {

/// As initiator: transport mode where the connection wants it and the selectors are the two
/// gateways' own addresses. A NAT does not stand in the way: Linux takes the checksums inside as
/// good in transport mode in UDP (net/ipv4/esp4.c, esp_input_done2), as RFC 3948 section 3.1.2
/// allows.
policy::EspMode offered_mode(const IkeSaFacts& facts, const policy::Connection& connection,
                             const ChildSelectors& pair);
/// As responder: the mode of a child between these selectors that the peer's proposals can be taken
/// in. The connection's where it is offered, else tunnel mode, which protects the same packets.
policy::EspMode answered_mode(const IkeSaFacts& facts, const Established& sa,
                              const wire::v1::SaPayload& offered, const ChildSelectors& pair);

/// The same pair with the addresses of the path in the place of the peer's, where both sides are
/// single addresses; protocols and ports stay. On the other side of a NAT they have other names.
ChildSelectors between_gateways(const policy::UdpPath& path, ChildSelectors pair);
/// As responder: what the identifications of a quick mode stand for. Of transport mode in UDP that
/// is the two gateways as we see them, because the packets come out of ESP with the addresses that
/// they travel with. Fails where NAT-OA gives the peer another address than its identification.
std::expected<ChildSelectors, Cause> meant_selectors(const IkeSaFacts& facts, const Established& sa,
                                                     const wire::v1::QuickModeSa& request,
                                                     ChildSelectors named);

/// NAT-OAi and NAT-OAr of a quick mode in which our role is `role`: the addresses of both sides as
/// we see them. None but of transport mode in UDP.
Payloads original_addresses(const IkeSaFacts& facts, const PeerExtensions& peer,
                            policy::EspMode mode, Role role);

/// RFC 3948 section 5.2: of several peers behind one address only one can have the packets between
/// the two gateways' own addresses, in transport mode or in tunnel mode. Why this one cannot,
/// and the other is asked for a sign of life; nothing when it can.
std::optional<Cause> taken_by_another(Turn& turn, const IkeSaFacts& facts, const Established& sa,
                                      const policy::NarrowedSelectors& selectors);

/// The children go where the ISAKMP SA goes, but for those in transport mode whose peer has another
/// address now: they were between the old ones. What the connection wants is asked for anew.
void move_children(Turn& turn, IkeSaFacts& facts, Established& sa);

} // namespace viaduct::ike::v1
