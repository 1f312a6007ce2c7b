#include "ike/v1/phase_two_proposal.h"

#include "ike/wire/v1_identification.h"
#include "policy/proposal_choice.h"

#include <algorithm>
#include <array>

namespace viaduct::ike::v1 {

namespace {

using policy::IntegrityAlgorithm;
using policy::KeyExchangeMethod;
using policy::TransformType;
using wire::v1::EspAuthentication;
using wire::v1::EspTransform;
using wire::v1::EspTransformId;

/// A proposal counts its transforms in one octet.
constexpr std::size_t max_transforms = 255;
/// Of the range that is nobody's: an algorithm that has no number in IKEv2.
constexpr std::uint16_t nameless = 0xffff;

struct AuthenticationRow {
    EspAuthentication authentication;
    IntegrityAlgorithm algorithm;
};
constexpr std::array authentications{
    AuthenticationRow{EspAuthentication::hmac_sha1, IntegrityAlgorithm::hmac_sha1_96},
    AuthenticationRow{EspAuthentication::hmac_sha2_256, IntegrityAlgorithm::hmac_sha2_256_128},
    AuthenticationRow{EspAuthentication::hmac_sha2_384, IntegrityAlgorithm::hmac_sha2_384_192},
    AuthenticationRow{EspAuthentication::hmac_sha2_512, IntegrityAlgorithm::hmac_sha2_512_256},
};

std::vector<policy::Transform> of_kind(const policy::Proposal& proposal, TransformType kind) {
    std::vector<policy::Transform> out;
    std::ranges::copy_if(proposal.transforms, std::back_inserter(out),
                         [&](const policy::Transform& each) { return each.type == kind; });
    if (out.empty())
        out.push_back({kind, 0, std::nullopt});
    return out;
}

/// RFC 2407 4.4.4 and the registries of both versions gave the ciphers of ESP the same numbers, but
/// for AES-GMAC; what is 21 in IKEv2 is another cipher in IKEv1.
constexpr EspTransformId null_auth_aes_gmac{23};
constexpr std::uint16_t not_of_ikev2 = 0xff00;

EspTransformId transform_id(std::uint16_t encryption) {
    return policy::EncryptionAlgorithm{encryption} ==
                   policy::EncryptionAlgorithm::null_auth_aes_gmac
               ? null_auth_aes_gmac
               : EspTransformId{static_cast<std::uint8_t>(encryption)};
}

std::uint16_t encryption_id(EspTransformId id) {
    constexpr auto gmac =
        static_cast<std::uint16_t>(policy::EncryptionAlgorithm::null_auth_aes_gmac);
    const auto number = static_cast<std::uint16_t>(id);
    if (id == null_auth_aes_gmac)
        return gmac;
    return number == gmac ? static_cast<std::uint16_t>(not_of_ikev2 | number) : number;
}

std::optional<EspTransform> transform_of(const policy::Transform& encryption,
                                         const policy::Transform& integrity,
                                         const policy::Transform& group,
                                         const policy::Transform& sequence_numbers) {
    EspTransform out{.id = transform_id(encryption.id),
                     .key_bits = encryption.key_bits,
                     .extended_sequence_numbers = sequence_numbers.id != 0};
    if (integrity.id != 0) {
        const auto row = std::ranges::find(authentications, IntegrityAlgorithm{integrity.id},
                                           &AuthenticationRow::algorithm);
        if (row == authentications.end())
            return std::nullopt;
        out.authentication = row->authentication;
    }
    if (group.id != 0)
        out.group = group.id;
    return out;
}

std::vector<EspTransform> transforms_of(const std::vector<policy::Proposal>& proposals) {
    std::vector<EspTransform> out;
    for (const auto& proposal : proposals)
        for (const auto& encryption : of_kind(proposal, TransformType::encryption))
            for (const auto& integrity : of_kind(proposal, TransformType::integrity))
                for (const auto& group : of_kind(proposal, TransformType::key_exchange))
                    for (const auto& numbers : of_kind(proposal, TransformType::sequence_numbers))
                        if (const auto transform =
                                transform_of(encryption, integrity, group, numbers);
                            transform && !std::ranges::contains(out, *transform))
                            out.push_back(*transform);
    return out;
}

/// In IKEv2's terms, for the choice and for reports.
policy::Proposal proposal_of(const EspTransform& transform) {
    policy::Proposal out{policy::ProtocolId::esp, {}};
    out.transforms.reserve(4);
    const auto add = [&](TransformType type, std::uint16_t id,
                         std::optional<std::uint16_t> bits = std::nullopt) {
        out.transforms.push_back({type, id, bits, transform.unknown_attribute});
    };
    add(TransformType::encryption, encryption_id(transform.id), transform.key_bits);
    if (transform.authentication) {
        const auto row = std::ranges::find(authentications, *transform.authentication,
                                           &AuthenticationRow::authentication);
        add(TransformType::integrity,
            row != authentications.end() ? static_cast<std::uint16_t>(row->algorithm) : nameless);
    }
    if (transform.group)
        add(TransformType::key_exchange, *transform.group);
    add(TransformType::sequence_numbers, transform.extended_sequence_numbers ? 1 : 0);
    return out;
}

std::optional<policy::ChildSpi> child_spi(const wire::Octets& octets) {
    if (octets.size() != 4)
        return std::nullopt;
    const std::uint32_t number = std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                                 std::uint32_t{octets[2]} << 8 | octets[3];
    return number > 255 ? std::optional(policy::ChildSpi{number}) : std::nullopt;
}

struct Offered {
    const wire::v1::Proposal* proposal;
    const wire::v1::Transform* transform;
    EspTransform read;
};

/// Of a set of proposals that belong together (IPCOMP) none can be taken alone.
bool stands_alone(const wire::v1::SaPayload& sa, const wire::v1::Proposal& proposal) {
    return std::ranges::count(sa.proposals, proposal.number, &wire::v1::Proposal::number) == 1;
}

std::vector<Offered> offered_transforms(const wire::v1::SaPayload& sa,
                                        wire::v1::Encapsulation encapsulation) {
    std::vector<Offered> out;
    for (const auto& proposal : sa.proposals) {
        if (proposal.protocol != policy::ProtocolId::esp || !stands_alone(sa, proposal))
            continue;
        for (const auto& transform : proposal.transforms)
            if (auto read = wire::v1::read_esp_transform(transform);
                read && read->encapsulation == encapsulation)
                out.push_back({&proposal, &transform, *read});
    }
    return out;
}

/// What the peer offered instead, of transforms that travel otherwise.
std::optional<Cause> other_encapsulation(const wire::v1::SaPayload& sa,
                                         wire::v1::Encapsulation wanted) {
    for (const auto& proposal : sa.proposals)
        for (const auto& transform : proposal.transforms)
            if (const auto read = wire::v1::read_esp_transform(transform);
                read && read->encapsulation && read->encapsulation != wanted)
                return cause::EncapsulationDiffers{wire::v1::to_string(wanted),
                                                   wire::v1::to_string(*read->encapsulation)};
    return std::nullopt;
}

std::optional<PhaseTwoChoice> taken(const Offered& offered) {
    const auto suite = policy::esp_suite(proposal_of(offered.read));
    const auto spi = child_spi(offered.proposal->spi);
    if (!suite || !spi)
        return std::nullopt;
    auto answer = *offered.proposal;
    answer.transforms = {*offered.transform};
    return PhaseTwoChoice{*suite, *spi, offered.read.lifetimes, {{std::move(answer)}}};
}

bool protocols_meet(const policy::TrafficSelector& a, const policy::TrafficSelector& b) {
    return a.protocol == b.protocol || a.protocol == 0 || b.protocol == 0;
}

} // namespace

std::vector<ChildSelectors> wanted_pairs(const policy::Connection& connection) {
    std::vector<ChildSelectors> out;
    for (auto local : connection.local_selectors) {
        for (auto remote : connection.remote_selectors) {
            if (local.family() != remote.family() || !protocols_meet(local, remote))
                continue;
            auto one = local;
            one.protocol = remote.protocol = std::max(local.protocol, remote.protocol);
            out.push_back({{one}, {remote}});
        }
    }
    return out;
}

std::vector<KeyExchangeMethod> groups_of(const policy::EspPolicy& esp) {
    std::vector<KeyExchangeMethod> out;
    for (const auto& proposal : esp.proposals)
        for (const auto& each : of_kind(proposal, TransformType::key_exchange))
            if (!std::ranges::contains(out, KeyExchangeMethod{each.id}))
                out.push_back(KeyExchangeMethod{each.id});
    return out;
}

std::vector<policy::Proposal> with_group(const policy::EspPolicy& esp, KeyExchangeMethod group) {
    std::vector<policy::Proposal> out;
    for (auto proposal : esp.proposals) {
        const auto kinds = of_kind(proposal, TransformType::key_exchange);
        if (!std::ranges::contains(kinds, static_cast<std::uint16_t>(group),
                                   &policy::Transform::id))
            continue;
        std::erase_if(proposal.transforms, [&](const policy::Transform& each) {
            return each.type == TransformType::key_exchange &&
                   each.id != static_cast<std::uint16_t>(group);
        });
        out.push_back(std::move(proposal));
    }
    return out;
}

bool offers(const wire::v1::SaPayload& sa, wire::v1::Encapsulation encapsulation) {
    return !offered_transforms(sa, encapsulation).empty();
}

wire::v1::Encapsulation encapsulation_of(const IkeSaFacts& facts, const PeerExtensions& peer,
                                         policy::EspMode mode) {
    using wire::v1::Encapsulation;
    const bool transport = mode == policy::EspMode::transport;
    if (!facts.nat.found())
        return transport ? Encapsulation::transport : Encapsulation::tunnel;
    if (peer.numbering == wire::v1::NatNumbering::rfc3947)
        return transport ? Encapsulation::udp_transport : Encapsulation::udp_tunnel;
    return transport ? Encapsulation::udp_transport_draft : Encapsulation::udp_tunnel_draft;
}

std::uint64_t kilobytes_of(std::uint64_t octets) {
    return std::max<std::uint64_t>(octets / 1024, 1);
}

wire::v1::SaPayload phase_two_offer(const policy::Connection& connection,
                                    const std::vector<policy::Proposal>& proposals,
                                    policy::ChildSpi spi, wire::v1::Encapsulation encapsulation) {
    wire::v1::Proposal proposal{
        .number = 1, .protocol = policy::ProtocolId::esp, .spi = spi_octets(spi)};
    for (auto& transform : transforms_of(proposals)) {
        if (proposal.transforms.size() == max_transforms)
            break;
        transform.encapsulation = encapsulation;
        transform.lifetimes.seconds = static_cast<std::uint64_t>(connection.esp.lifetime.count());
        if (const auto bytes = connection.esp.volume.bytes; bytes != 0)
            transform.lifetimes.kilobytes = kilobytes_of(bytes);
        proposal.transforms.push_back(wire::v1::esp_transform(
            static_cast<std::uint8_t>(proposal.transforms.size() + 1), transform));
    }
    return {{std::move(proposal)}};
}

std::expected<PhaseTwoChoice, Cause> choose_phase_two(const policy::Connection& connection,
                                                      const wire::v1::SaPayload& sa,
                                                      KeyExchangeMethod group,
                                                      wire::v1::Encapsulation encapsulation) {
    auto offered = offered_transforms(sa, encapsulation);
    if (offered.empty())
        if (auto other = other_encapsulation(sa, encapsulation))
            return std::unexpected(std::move(*other));
    // RFC 2409 5.5: the public value that came along is of the group that the transforms name;
    // what names another cannot be taken.
    const auto other_group = [&](const Offered& each) {
        return each.read.group.value_or(0) != static_cast<std::uint16_t>(group);
    };
    if (std::ranges::all_of(offered, other_group) && !offered.empty())
        return std::unexpected(violation(quick_mode, "KE does not fit the group of the proposals"));
    std::erase_if(offered, other_group);
    std::vector<policy::Proposal> in_our_terms;
    in_our_terms.reserve(offered.size());
    for (const auto& each : offered)
        in_our_terms.push_back(proposal_of(each.read));
    auto choice = policy::choose_proposal(connection.esp.proposals, in_our_terms);
    if (!choice)
        return std::unexpected(cause::NoProposal{policy::ProtocolId::esp, choice.error()});
    auto made = taken(offered[choice->offered_index]);
    if (!made)
        return std::unexpected(violation(quick_mode, "the offered ESP SPI is not valid"));
    return std::move(*made);
}

std::expected<PhaseTwoChoice, Cause> verify_phase_two(const std::vector<policy::Proposal>& offered,
                                                      const wire::v1::SaPayload& answer,
                                                      wire::v1::Encapsulation encapsulation) {
    const auto answered = offered_transforms(answer, encapsulation);
    if (answered.size() != 1)
        return std::unexpected(violation(quick_mode,
                                         "the answer does not hold exactly one ESP transform of "
                                         "the mode that we offered"));
    auto transform = answered.front().read;
    transform.lifetimes = {};
    transform.encapsulation.reset();
    auto made = taken(answered.front());
    if (!made || !std::ranges::contains(transforms_of(offered), transform))
        return std::unexpected(violation(quick_mode, "the answered ESP transform is not ours: " +
                                                         answered.front().read.to_string()));
    return std::move(*made);
}

wire::Octets spi_octets(policy::ChildSpi spi) {
    const auto number = static_cast<std::uint32_t>(spi);
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

std::optional<std::pair<wire::v1::IdPayload, wire::v1::IdPayload>>
identifications_of(const ChildSelectors& pair, Role role) {
    auto local = wire::v1::id_of(pair.local.front());
    auto remote = wire::v1::id_of(pair.remote.front());
    if (!local || !remote)
        return std::nullopt;
    return role == Role::initiator ? std::pair(std::move(*local), std::move(*remote))
                                   : std::pair(std::move(*remote), std::move(*local));
}

std::expected<ChildSelectors, Cause>
selectors_of(const std::optional<wire::v1::IdPayload>& id_initiator,
             const std::optional<wire::v1::IdPayload>& id_responder, Role role,
             const policy::UdpPath& path) {
    const auto host = [](const policy::IpAddress& address) {
        policy::TrafficSelector out;
        out.start_address = out.end_address = address;
        return out;
    };
    if (!id_initiator || !id_responder)
        return ChildSelectors{{host(path.local.address)}, {host(path.remote.address)}};
    auto initiator = wire::v1::selector_of(*id_initiator);
    auto responder = wire::v1::selector_of(*id_responder);
    if (!initiator || !responder)
        return std::unexpected(
            violation(quick_mode, "an identification that is no set of addresses"));
    if (role == Role::initiator)
        return ChildSelectors{{*initiator}, {*responder}};
    return ChildSelectors{{*responder}, {*initiator}};
}

std::expected<policy::NarrowedSelectors, Cause>
accept_selectors(const policy::Connection& connection, const ChildSelectors& offered) {
    auto narrowed = policy::narrow(connection.local_selectors, connection.remote_selectors,
                                   offered.local, offered.remote);
    if (narrowed && !narrowed->reduced())
        return std::move(*narrowed);
    if (!narrowed)
        return std::unexpected(cause::NoSelectors{narrowed.error()});
    return std::unexpected(
        cause::NoSelectors{{.configured_local = connection.local_selectors,
                            .configured_remote = connection.remote_selectors,
                            .offered_local = offered.local,
                            .offered_remote = offered.remote,
                            .local_differs = !(narrowed->local() == offered.local),
                            .remote_differs = !(narrowed->remote() == offered.remote)}});
}

} // namespace viaduct::ike::v1
