#include "ike/v1/extensions.h"

#include "ike/crypto/v1_authentication.h"
#include "ike/wire/v1_vendor_id.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

using wire::v1::Extension;
using wire::v1::NatNumbering;
using wire::v1::OwnVendorId;

/// For reports; a peer may send as many as a message holds.
constexpr std::size_t kept_names = 16;

wire::Octets hash_of(const IkeSaFacts& facts, policy::PseudoRandomFunction prf,
                     const policy::UdpEndpoint& endpoint) {
    return crypto::v1_nat_detection_hash(prf, facts.initiator_spi, facts.responder_spi, endpoint)
        .value_or(wire::Octets{});
}

} // namespace

Payloads offered_vendor_ids(const policy::Connection& connection) {
    Payloads out;
    for (const auto id : {OwnVendorId::nat_traversal_rfc3947, OwnVendorId::nat_traversal_draft_03,
                          OwnVendorId::nat_traversal_draft_02_newline,
                          OwnVendorId::nat_traversal_draft_02, OwnVendorId::dead_peer_detection})
        out.emplace_back(wire::v1::vendor_id(id));
    if (connection.ike.fragmentation.enabled)
        out.emplace_back(wire::v1::vendor_id(OwnVendorId::fragmentation));
    return out;
}

Payloads answered_vendor_ids(const std::vector<ConnectionPtr>& candidates,
                             const PeerExtensions& peer) {
    Payloads out;
    if (peer.nat_traversal && peer.numbering == NatNumbering::rfc3947)
        out.emplace_back(wire::v1::vendor_id(OwnVendorId::nat_traversal_rfc3947));
    else if (peer.nat_traversal)
        for (const auto id :
             {OwnVendorId::nat_traversal_draft_03, OwnVendorId::nat_traversal_draft_02_newline})
            out.emplace_back(wire::v1::vendor_id(id));
    out.emplace_back(wire::v1::vendor_id(OwnVendorId::dead_peer_detection));
    if (std::ranges::any_of(
            candidates, [](const ConnectionPtr& each) { return each->ike.fragmentation.enabled; }))
        out.emplace_back(wire::v1::vendor_id(OwnVendorId::fragmentation));
    return out;
}

void add_extensions(PeerExtensions& peer, std::span<const wire::v1::VendorIdPayload> vendor_ids) {
    for (const auto& each : vendor_ids) {
        if (auto name = wire::v1::vendor_name(each);
            peer.names.size() < kept_names && !std::ranges::contains(peer.names, name))
            peer.names.push_back(std::move(name));
        const auto* known = wire::v1::find_vendor_id(each.data);
        switch (known ? known->extension : Extension::none) {
        case Extension::nat_traversal_rfc3947:
            peer.nat_traversal = true;
            peer.numbering = NatNumbering::rfc3947;
            break;
        case Extension::nat_traversal_draft:
            if (!peer.nat_traversal)
                peer.numbering = NatNumbering::draft;
            peer.nat_traversal = true;
            break;
        case Extension::dead_peer_detection: peer.dead_peer_detection = true; break;
        case Extension::fragmentation: peer.fragmentation = true; break;
        case Extension::xauth:
        case Extension::none: break;
        }
    }
}

void agree_on_fragmentation(IkeSaFacts& facts, const PeerExtensions& peer,
                            const policy::Fragmentation& configured) {
    facts.fragmentation = peer.fragmentation && configured.enabled;
    facts.fragment_size = configured.size;
}

Payloads nat_detection_payloads(const IkeSaFacts& facts, policy::PseudoRandomFunction prf,
                                const PeerExtensions& peer, SourceNotify source) {
    if (!peer.nat_traversal)
        return {};
    // No message comes from there, so that the hash fits no path.
    const policy::UdpEndpoint nowhere{
        policy::IpAddress::unspecified(facts.path.local.address.family()), 0};
    const auto& own = source == SourceNotify::truthful ? facts.path.local : nowhere;
    return {wire::v1::NatDetectionPayload{peer.numbering, hash_of(facts, prf, facts.path.remote)},
            wire::v1::NatDetectionPayload{peer.numbering, hash_of(facts, prf, own)}};
}

NatDetection detect_nat(std::span<const wire::v1::NatDetectionPayload> received,
                        const IkeSaFacts& facts, policy::PseudoRandomFunction prf,
                        const policy::UdpPath& path) {
    if (received.size() < 2)
        return {};
    const auto ours = hash_of(facts, prf, path.local);
    const auto theirs = hash_of(facts, prf, path.remote);
    // RFC 3947 3.2: the first is of the receiver, all others are of the sender.
    const bool source_matches = std::ranges::any_of(
        received.subspan(1), [&](const auto& each) { return each.hash == theirs; });
    return {.supported = true,
            .local_behind_nat = received.front().hash != ours,
            .remote_behind_nat = !source_matches};
}

} // namespace viaduct::ike::v1
