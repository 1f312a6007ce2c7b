// What both sides of a quick mode do with what they agreed on.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/v1/turn.h"

#include <expected>
#include <span>

namespace viaduct::ike::v1 {

struct QuickModeResult {
    /// Ours in the exchange.
    Role role = Role::initiator;
    policy::ChildSpi inbound_spi{};
    policy::EspMode mode = policy::EspMode::tunnel;
    PhaseTwoChoice choice;
    policy::NarrowedSelectors selectors;
    /// Empty without perfect forward secrecy.
    policy::Secret shared_secret;
    std::span<const std::uint8_t> nonce_i;
    std::span<const std::uint8_t> nonce_r;
    /// Of the peer's message: its RESPONDER-LIFETIME.
    std::span<const wire::v1::NotifyPayload> notifies;
    std::optional<policy::ChildSaId> predecessor;
    bool outbound_waits = false;
};

/// Derives the keys and installs; the child is the last of sa.children then. The lifetime is the
/// shortest of ours and what the peer said.
std::expected<policy::ChildSaId, Cause> install_quick_mode_child(Turn& turn,
                                                                 const IkeSaFacts& facts,
                                                                 Established& sa,
                                                                 QuickModeResult made);

/// How long a child lives, and how much each SA of the pair carries.
struct ChildLife {
    std::chrono::seconds lifetime{};
    policy::VolumeLimit volume;
};
/// The shorter of ours and the peer's (RFC 2407 section 4.5). Of kilobytes the peer's count as 1024
/// at least: rekeying could not keep up with fewer.
ChildLife child_life(const policy::Connection& connection, const wire::v1::Lifetimes& peer);
/// What an initiator that offered `peer` is to be told, because its own SA would outlive ours
/// (RFC 2407 section 4.5.4); empty when nothing.
wire::v1::Lifetimes shorter_lifetimes(const policy::Connection& connection,
                                      const wire::v1::Lifetimes& peer);

} // namespace viaduct::ike::v1
