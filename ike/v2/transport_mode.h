// Agreeing on transport mode by N(USE_TRANSPORT_MODE) (RFC 7296 sections 1.3.1 and 3.10.1). Without
// it a child SA is in tunnel mode.
#pragma once

#include "ike/child_state.h"
#include "ike/ike_sa_facts.h"
#include "ike/report.h"
#include "ike/wire/v2_payload.h"
#include "policy/connection.h"
#include "policy/selector_narrowing.h"

#include <expected>
#include <span>
#include <vector>

namespace viaduct::ike::v2 {

/// What we ask for: transport mode where the connection wants it, no NAT is on the way, and the
/// selectors are the two gateways' own addresses.
policy::EspMode offered_mode(const IkeSaFacts& facts, const policy::Connection& connection,
                             const ChildSelectors& selectors);
/// As responder: transport mode where the peer asks for it and we would.
policy::EspMode chosen_mode(const IkeSaFacts& facts, const policy::Connection& connection,
                            const policy::NarrowedSelectors& selectors,
                            std::span<const wire::NotifyPayload> request);
/// As initiator: tunnel mode where the peer declines. Fails when it answers what we did not ask
/// for.
std::expected<policy::EspMode, Cause> answered_mode(wire::ExchangeType exchange,
                                                    policy::EspMode offered,
                                                    std::span<const wire::NotifyPayload> response);
/// The notify that asks for a mode, or agrees to it; none for tunnel mode.
void append_mode(std::vector<wire::Payload>& payloads, policy::EspMode mode);

} // namespace viaduct::ike::v2
