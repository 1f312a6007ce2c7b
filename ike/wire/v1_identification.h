// What an Identification payload says: in phase 1 who the peer is, in phase 2 which packets an SA
// is for (RFC 2407 section 4.6.2).
#pragma once

#include "ike/wire/v1_payload.h"
#include "policy/identity.h"
#include "policy/traffic_selector.h"

namespace viaduct::ike::wire::v1 {

/// Phase 1. The types have IKEv2's numbers; one outside policy::IdentityType (a subnet, say) is
/// kept and matches nobody.
policy::Identity identity_of(const IdPayload& id);
/// With protocol and port 0, which every implementation takes.
IdPayload id_of(const policy::Identity& identity);

/// Phase 2: an address, a subnet or a range, with protocol and port. `bad_value` for another type,
/// a mask with holes, a range whose start lies behind its end.
Decoded<policy::TrafficSelector> selector_of(const IdPayload& id);
/// An address or a subnet where the range is one, else a range. Nothing for what IKEv1 cannot say:
/// more than one port but not all, and OPAQUE.
std::optional<IdPayload> id_of(const policy::TrafficSelector& selector);

} // namespace viaduct::ike::wire::v1
