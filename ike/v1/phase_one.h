// What main mode and aggressive mode have in common: keys, hashes, and who the peer is
// (RFC 2409 sections 5.1 and 5.4).
#pragma once

#include "ike/crypto/v1_authentication.h"
#include "ike/v1/exchange_message.h"

#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace viaduct::ike::v1 {

crypto::PhaseOneValues values_of(const IkeSaFacts& facts, const Transcript& transcript);

/// With a pre-shared key.
std::expected<IsakmpKeys, Cause> derive_keys(const IkeSaFacts& facts, const policy::IkeSuite& suite,
                                             const policy::Secret& psk,
                                             const policy::Secret& shared_secret,
                                             const Transcript& transcript);

/// What we prove who we are with: HASH of our side over our own identification.
std::expected<wire::v1::Payload, Cause> own_authentication(const IkeSaFacts& facts,
                                                           const IsakmpKeys& keys,
                                                           const Transcript& transcript,
                                                           std::span<const std::uint8_t> id_body);

/// Nothing is wrong, or what is. `connection` is the one whose secret made the keys; `hash` and
/// `signature` as they came: one of them is there.
std::optional<Cause>
check_authentication(const IkeSaFacts& facts, const IsakmpKeys& keys, const Transcript& transcript,
                     const std::string& connection, const policy::Identity& peer,
                     std::span<const std::uint8_t> id_body,
                     const std::optional<wire::v1::HashPayload>& hash,
                     const std::optional<wire::v1::SignaturePayload>& signature);

/// How the RFC calls what the peer proves who it is with.
std::string_view peer_proof(const IkeSaFacts& facts);

/// Our identity as a payload.
wire::v1::IdPayload own_id(const policy::Connection& connection);

/// Why an authenticated peer at this address gets no other ISAKMP SA of the connection, counted;
/// nothing where it gets one. A peer renews phase 1 by beginning another, so that `keep` refuses
/// only another host by its name.
std::optional<Cause> no_further_sa(Turn& turn, const policy::Connection& connection,
                                   const policy::Identity& peer, const policy::IpAddress& address,
                                   FirstContact first_contact);

/// INITIAL-CONTACT (RFC 2407 section 4.6.3.3).
wire::v1::NotifyPayload initial_contact(const IkeSaFacts& facts);
bool contains(std::span<const wire::v1::NotifyPayload> notifies, wire::v1::NotifyType type);

/// 32 octets.
wire::Octets draw_nonce(Turn& turn);

/// Everything from here on goes through the port for NAT (RFC 3947 section 4).
void float_ports(const Turn& turn, IkeSaFacts& facts, const policy::Connection& connection);

/// Identities are not told apart before a peer is authenticated: this is who it is by its address.
policy::Identity address_identity(const policy::UdpPath& path);

} // namespace viaduct::ike::v1
