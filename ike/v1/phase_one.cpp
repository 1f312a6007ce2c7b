#include "ike/v1/phase_one.h"

#include "ike/wire/v1_identification.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

constexpr std::size_t nonce_length = 32;

crypto::HashSender own_side(const IkeSaFacts& facts) {
    return facts.role == Role::initiator ? crypto::HashSender::initiator
                                         : crypto::HashSender::responder;
}

crypto::HashSender peer_side(const IkeSaFacts& facts) {
    return facts.role == Role::initiator ? crypto::HashSender::responder
                                         : crypto::HashSender::initiator;
}

Cause fault(crypto::CryptoError error) {
    return cause::LocalFault{std::string(crypto::to_string(error))};
}

} // namespace

crypto::PhaseOneValues values_of(const IkeSaFacts& facts, const Transcript& transcript) {
    return {.cookie_i = facts.initiator_spi,
            .cookie_r = facts.responder_spi,
            .nonce_i = transcript.nonce_i,
            .nonce_r = transcript.nonce_r,
            .public_i = transcript.public_i,
            .public_r = transcript.public_r};
}

std::expected<IsakmpKeys, Cause> derive_keys(const IkeSaFacts& facts, const policy::IkeSuite& suite,
                                             const policy::Secret& psk,
                                             const policy::Secret& shared_secret,
                                             const Transcript& transcript) {
    const auto values = values_of(facts, transcript);
    auto skeyids = crypto::derive_shared_key_skeyids(suite.prf, psk, shared_secret, values);
    if (!skeyids)
        return std::unexpected(fault(skeyids.error()));
    auto cipher = crypto::derive_cipher_key(suite, skeyids->e);
    auto vector = crypto::first_vector(suite, values);
    if (!cipher || !vector)
        return std::unexpected(fault(!cipher ? cipher.error() : vector.error()));
    return IsakmpKeys{suite, std::move(*skeyids), std::move(*cipher), std::move(*vector)};
}

std::expected<wire::v1::Payload, Cause> own_authentication(const IkeSaFacts& facts,
                                                           const IsakmpKeys& keys,
                                                           const Transcript& transcript,
                                                           std::span<const std::uint8_t> id_body) {
    auto hash = crypto::phase_one_hash(own_side(facts), keys.suite.prf, keys.skeyids.skeyid,
                                       values_of(facts, transcript), transcript.sa_body, id_body);
    if (!hash)
        return std::unexpected(fault(hash.error()));
    return wire::v1::HashPayload{std::move(*hash)};
}

std::optional<Cause>
check_authentication(const IkeSaFacts& facts, const IsakmpKeys& keys, const Transcript& transcript,
                     const std::string& connection, const policy::Identity& peer,
                     std::span<const std::uint8_t> id_body,
                     const std::optional<wire::v1::HashPayload>& hash,
                     const std::optional<wire::v1::SignaturePayload>& signature) {
    if (!hash || signature)
        return cause::UnsupportedAuthMethod{
            .v1_method = static_cast<std::uint16_t>(wire::v1::Authentication::rsa_signatures)};
    const auto expected =
        crypto::phase_one_hash(peer_side(facts), keys.suite.prf, keys.skeyids.skeyid,
                               values_of(facts, transcript), transcript.sa_body, id_body);
    if (!expected)
        return fault(expected.error());
    if (!crypto::is_same_hash(*expected, hash->data))
        return cause::PeerNotAuthenticated{
            shortened(peer), {connection}, std::string(peer_proof(facts))};
    return std::nullopt;
}

std::string_view peer_proof(const IkeSaFacts& facts) {
    return facts.role == Role::initiator ? "HASH_R" : "HASH_I";
}

wire::v1::IdPayload own_id(const policy::Connection& connection) {
    return wire::v1::id_of(connection.local_id);
}

std::optional<Cause> no_further_sa(Turn& turn, const policy::Connection& connection,
                                   const policy::Identity& peer, const policy::IpAddress& address,
                                   FirstContact first_contact) {
    if (connection.unique == policy::Uniqueness::keep && first_contact == FirstContact::no &&
        turn.v1_peer_is_elsewhere(connection.name, peer, address))
        return cause::AlreadyUp{shortened(peer)};
    auto why = turn.no_room(connection.name, peer, first_contact);
    if (why)
        ++turn.dropped.ike_sa_limit;
    return why;
}

wire::v1::NotifyPayload initial_contact(const IkeSaFacts& facts) {
    return {.spi = wire::v1::spi_of({facts.initiator_spi, facts.responder_spi}),
            .type = wire::v1::NotifyType::initial_contact};
}

bool contains(std::span<const wire::v1::NotifyPayload> notifies, wire::v1::NotifyType type) {
    return std::ranges::contains(notifies, type, &wire::v1::NotifyPayload::type);
}

wire::Octets draw_nonce(Turn& turn) {
    wire::Octets nonce(nonce_length);
    turn.rng.randomize(nonce);
    return nonce;
}

void float_ports(const Turn& turn, IkeSaFacts& facts, const policy::Connection& connection) {
    // What began there stays at the ports that it began with.
    if (facts.path.local.port == turn.settings.nat_port)
        return;
    facts.path.local.port = turn.settings.nat_port;
    facts.path.remote.port = connection.peer_ports.nat;
}

policy::Identity address_identity(const policy::UdpPath& path) {
    return policy::Identity::from_address(path.remote.address);
}

} // namespace viaduct::ike::v1
