// Agreeing on a child SA: the offer, the answer, and the value for the kernel. Used by IKE_AUTH and
// CREATE_CHILD_SA.
#pragma once

#include "ike/child_installation.h"
#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"
#include "policy/proposal_choice.h"
#include "policy/selector_narrowing.h"

#include <expected>

namespace viaduct::ike::v2 {

/// Draws an SPI and offers what the connection is configured for. The child of IKE_AUTH has no key
/// exchange of its own: then groups are left out (RFC 7296 section 1.2).
ChildOffer offer_child(Turn& turn, const IkeSaFacts& facts, const policy::Connection& connection,
                       ChildSelectors selectors, policy::KeyExchangeKind key_exchange);
/// An ESP SPI as payloads carry it: four octets, network byte order.
wire::Octets spi_octets(policy::ChildSpi spi);
/// Nothing unless it is four octets long and outside the reserved range (RFC 4303 section 2.1).
std::optional<policy::ChildSpi> child_spi(const wire::Octets& octets);
wire::SaPayload sa_payload(const ChildOffer& offer);
/// TSi and TSr of our request.
wire::TsPayload ts_initiator(std::vector<policy::TrafficSelector> selectors);
wire::TsPayload ts_responder(std::vector<policy::TrafficSelector> selectors);

/// What both sides agreed on, before there are keys.
struct AgreedChild {
    policy::ChildSpi inbound_spi{};
    policy::ChildSpi outbound_spi{};
    policy::EspSuite suite;
    /// As answered.
    policy::Proposal chosen;
    std::uint8_t proposal_number = 1;
    policy::NarrowedSelectors selectors;
    /// By transport_mode.h.
    policy::EspMode mode = policy::EspMode::tunnel;
};

/// As initiator: checks the answer against the offer. `exchange` is named where the peer breaks the
/// protocol; in IKE_AUTH groups are ignored.
std::expected<AgreedChild, Cause> consume_child_answer(wire::ExchangeType exchange,
                                                       const ChildOffer& offer,
                                                       const wire::SaPayload& sa,
                                                       const wire::TsPayload& ts_initiator,
                                                       const wire::TsPayload& ts_responder);

/// As responder: what a connection makes of a request. Draws no SPI, so that several connections
/// can be tried; `inbound_spi` is filled by the caller. `preferred` is the group of the peer's KE.
std::expected<AgreedChild, Cause>
answer_child(wire::ExchangeType exchange, const policy::Connection& connection,
             const wire::SaPayload& sa, const wire::TsPayload& ts_initiator,
             const wire::TsPayload& ts_responder,
             policy::KeyExchangeMethod preferred = policy::KeyExchangeMethod::none);
wire::SaPayload sa_payload(const AgreedChild& agreed);

/// What the child's keys come from (RFC 7296 section 2.17).
struct ChildKeySource {
    policy::PseudoRandomFunction prf;
    const policy::Secret& sk_d;
    /// Of the exchange's own key exchange; empty without one.
    const policy::Secret& shared_secret;
    std::span<const std::uint8_t> nonce_i;
    std::span<const std::uint8_t> nonce_r;
};

/// How a child comes into the world.
struct ChildBirth {
    /// Our role in the exchange that makes it, which tells whose keys are whose.
    Role exchange_role = Role::initiator;
    /// What was asked for, before narrowing.
    ChildSelectors wanted;
    std::optional<policy::ChildSaId> predecessor = std::nullopt;
    /// The peer has no inbound side yet, and traffic has another way to go until then.
    bool outbound_waits = false;
};

/// Derives the keys, emits InstallChildSa or InstallInboundSa and reports; what remains is the
/// child's state.
std::expected<ChildState, Cause> install_child(Turn& turn, const IkeSaFacts& facts,
                                               const policy::Connection& connection,
                                               const AgreedChild& agreed,
                                               const ChildKeySource& source, ChildBirth birth);

} // namespace viaduct::ike::v2
