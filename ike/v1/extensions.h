// What IKEv1 negotiates by vendor ids: NAT traversal (RFC 3947), dead peer detection (RFC 3706),
// fragmentation.
#pragma once

#include "ike/v1/exchange_message.h"

#include <span>

namespace viaduct::ike::v1 {

/// As initiator: all that we can do.
Payloads offered_vendor_ids(const policy::Connection& connection);
/// As responder: of the ways through NATs the one that is taken (RFC 3947 section 3.1).
Payloads answered_vendor_ids(const std::vector<ConnectionPtr>& candidates,
                             const PeerExtensions& peer);

/// Vendor ids may come in several messages of phase 1.
void add_extensions(PeerExtensions& peer, std::span<const wire::v1::VendorIdPayload> vendor_ids);

/// Takes over into the facts whether and how messages are fragmented.
void agree_on_fragmentation(IkeSaFacts& facts, const PeerExtensions& peer,
                            const policy::Fragmentation& configured);

/// The NAT-D payloads of a message sent along facts.path (RFC 3947 section 3.2): first the
/// receiver's address, then ours. `altered` makes the peer find a NAT before us.
Payloads nat_detection_payloads(const IkeSaFacts& facts, policy::PseudoRandomFunction prf,
                                const PeerExtensions& peer, SourceNotify source);

/// Compares those of a received message with the path that it took.
NatDetection detect_nat(std::span<const wire::v1::NatDetectionPayload> received,
                        const IkeSaFacts& facts, policy::PseudoRandomFunction prf,
                        const policy::UdpPath& path);

} // namespace viaduct::ike::v1
