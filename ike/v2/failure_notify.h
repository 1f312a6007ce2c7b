// From the cause of a failure to the notify that tells the peer. Notifies that are no failure of a
// negotiation (another group, no further child SAs) are chosen where they arise.
#pragma once

#include "ike/report.h"
#include "ike/wire/decode_error.h"
#include "ike/wire/v2_payload.h"

#include <span>

namespace viaduct::ike::v2 {

/// A notify without protocol, SPI and data.
wire::NotifyPayload plain_notify(wire::NotifyType type);

/// What a responder answers. Causes that concern only us become TEMPORARY_FAILURE.
wire::NotifyPayload failure_notify(const Cause& cause);

/// What is answered to a message whose sender is authenticated but whose content cannot be read
/// (RFC 7296 sections 2.5 and 2.21): UNSUPPORTED_CRITICAL_PAYLOAD with the payload's type, or
/// INVALID_SYNTAX.
wire::NotifyPayload failure_notify(const wire::DecodeError& error);

/// The first error notify; nothing when there is none.
const wire::NotifyPayload* first_error(std::span<const wire::NotifyPayload> notifies);
bool contains(std::span<const wire::NotifyPayload> notifies, wire::NotifyType type);

} // namespace viaduct::ike::v2
