// Proposals of phase 2: ESP suites as transforms and back (RFC 2407 section 4.5), and the
// identifications that say which packets an SA is for.
#pragma once

#include "ike/child_state.h"
#include "ike/ike_sa_facts.h"
#include "ike/v1/isakmp_sa_state.h"
#include "policy/selector_narrowing.h"

#include <expected>
#include <optional>

namespace viaduct::ike::v1 {

/// The pairs of selectors that a connection wants protected, each for a quick mode of its own. Both
/// sides of a pair have one protocol, because both identifications name it.
std::vector<ChildSelectors> wanted_pairs(const policy::Connection& connection);

/// The groups that the ESP proposals name, `none` for those without one, in the order of
/// preference. A quick mode can only be for one of them: its public value comes with the offer.
std::vector<policy::KeyExchangeMethod> groups_of(const policy::EspPolicy& esp);
/// The proposals with this group, and no other.
std::vector<policy::Proposal> with_group(const policy::EspPolicy& esp,
                                         policy::KeyExchangeMethod group);

/// How ESP is to travel, by the numbers of RFC 3947 section 5.1 or of the drafts before it.
wire::v1::Encapsulation encapsulation_of(const IkeSaFacts& facts, const PeerExtensions& peer,
                                         policy::EspMode mode);
/// Whether some ESP transform travels so.
bool offers(const wire::v1::SaPayload& sa, wire::v1::Encapsulation encapsulation);

wire::v1::SaPayload phase_two_offer(const policy::Connection& connection,
                                    const std::vector<policy::Proposal>& proposals,
                                    policy::ChildSpi spi, wire::v1::Encapsulation encapsulation);

/// A limit in octets as lifetimes carry it: whole kilobytes, of 1024 octets, and one at least.
std::uint64_t kilobytes_of(std::uint64_t octets);

/// What was agreed on, before there are keys.
struct PhaseTwoChoice {
    policy::EspSuite suite;
    policy::ChildSpi peer_spi{};
    wire::v1::Lifetimes lifetimes;
    /// To be answered: the chosen transform as it came; its SPI is the peer's still.
    wire::v1::SaPayload answer;
};

/// As responder. `group`: of the public value that came along.
std::expected<PhaseTwoChoice, Cause> choose_phase_two(const policy::Connection& connection,
                                                      const wire::v1::SaPayload& offered,
                                                      policy::KeyExchangeMethod group,
                                                      wire::v1::Encapsulation encapsulation);
/// As initiator: the answer is one of what we offered.
std::expected<PhaseTwoChoice, Cause> verify_phase_two(const std::vector<policy::Proposal>& offered,
                                                      const wire::v1::SaPayload& answer,
                                                      wire::v1::Encapsulation encapsulation);

/// An ESP SPI as payloads carry it: four octets, network byte order.
wire::Octets spi_octets(policy::ChildSpi spi);

/// The two identifications of a pair, in the order in which they are sent.
std::optional<std::pair<wire::v1::IdPayload, wire::v1::IdPayload>>
identifications_of(const ChildSelectors& pair, Role role);
/// Without identifications the SA is for the gateways themselves (RFC 2409 section 5.5).
std::expected<ChildSelectors, Cause>
selectors_of(const std::optional<wire::v1::IdPayload>& id_initiator,
             const std::optional<wire::v1::IdPayload>& id_responder, Role role,
             const policy::UdpPath& path);
/// As responder: an offer that lies inside the configuration. IKEv1 has no narrowing, so that what
/// reaches beyond it is refused.
std::expected<policy::NarrowedSelectors, Cause>
accept_selectors(const policy::Connection& connection, const ChildSelectors& offered);

} // namespace viaduct::ike::v1
