#include "ike/v1/transport_mode.h"

#include "ike/peer_address.h"
#include "ike/transport_mode.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/v1/succession.h"

#include <algorithm>
#include <format>
#include <utility>
#include <vector>

namespace viaduct::ike::v1 {

namespace {

using policy::EspMode;

bool is_host(const policy::TrafficSelector& selector, const policy::IpAddress& address) {
    return selector.start_address == selector.end_address && selector.family() == address.family();
}

bool are_hosts(const policy::UdpPath& path, const ChildSelectors& pair) {
    return is_host(pair.local.front(), path.local.address) &&
           is_host(pair.remote.front(), path.remote.address);
}

bool in_udp(const IkeSaFacts& facts, EspMode mode) {
    return mode == EspMode::transport && facts.nat.found();
}

} // namespace

EspMode offered_mode(const IkeSaFacts& facts, const policy::Connection& connection,
                     const ChildSelectors& pair) {
    return are_between_gateways(facts.path, pair.local, pair.remote) ? connection.esp.mode
                                                                     : EspMode::tunnel;
}

EspMode answered_mode(const IkeSaFacts& facts, const Established& sa,
                      const wire::v1::SaPayload& offered, const ChildSelectors& pair) {
    const auto mode = offered_mode(facts, *sa.connection, pair);
    return offers(offered, encapsulation_of(facts, sa.peer, mode)) ? mode : EspMode::tunnel;
}

ChildSelectors between_gateways(const policy::UdpPath& path, ChildSelectors pair) {
    if (!are_hosts(path, pair))
        return pair;
    auto& local = pair.local.front();
    auto& remote = pair.remote.front();
    local.start_address = local.end_address = path.local.address;
    remote.start_address = remote.end_address = path.remote.address;
    return pair;
}

std::expected<ChildSelectors, Cause> meant_selectors(const IkeSaFacts& facts, const Established& sa,
                                                     const wire::v1::QuickModeSa& request,
                                                     ChildSelectors named) {
    const auto mode = sa.connection->esp.mode;
    if (!in_udp(facts, mode) || !are_hosts(facts.path, named) ||
        !offers(request.sa, encapsulation_of(facts, sa.peer, mode)))
        return named;
    // RFC 3947 5.2: the first is the initiator's, as it knows itself. Older peers send none.
    const auto& original = request.nat_original_addresses;
    const auto& peer = named.remote.front();
    if (request.id_initiator && !original.empty() && original.front().address != peer.start_address)
        return std::unexpected(cause::ProtocolViolation{
            wire::ExchangeType::quick_mode,
            std::format("NAT-OA says that the peer is {}, its identification that it is {}",
                        original.front().address.to_string(), peer.to_string())});
    return between_gateways(facts.path, std::move(named));
}

Payloads original_addresses(const IkeSaFacts& facts, const PeerExtensions& peer, EspMode mode,
                            Role role) {
    if (!in_udp(facts, mode))
        return {};
    auto initiator = facts.path.local.address;
    auto responder = facts.path.remote.address;
    if (role == Role::responder)
        std::swap(initiator, responder);
    return {wire::v1::NatOriginalAddressPayload{peer.numbering, initiator},
            wire::v1::NatOriginalAddressPayload{peer.numbering, responder}};
}

std::optional<Cause> taken_by_another(Turn& turn, const IkeSaFacts& facts, const Established& sa,
                                      const policy::NarrowedSelectors& selectors) {
    if (!are_between_gateways(facts.path, selectors.local(), selectors.remote()))
        return std::nullopt;
    const auto user = turn.user_between_gateways(facts.path, {sa.connection->name, sa.peer_id},
                                                 {selectors.local(), selectors.remote()});
    if (!user)
        return std::nullopt;
    turn.outcomes.emplace_back(outcome::HeldByAnother{user->spi});
    return cause::LocalFault{
        std::format("the peer {} of the connection '{}' behind the same address has a child SA "
                    "between {} and {} already",
                    user->who.peer.to_string(), user->who.connection,
                    policy::to_string(selectors.local()), policy::to_string(selectors.remote()))};
}

void move_children(Turn& turn, IkeSaFacts& facts, Established& sa) {
    std::vector<policy::ChildSaId> left_behind;
    for (auto& child : sa.children) {
        if (child.mode == EspMode::transport &&
            child.path.remote.address != facts.path.remote.address)
            left_behind.push_back(child.id);
        else
            move_child(turn, facts, child);
    }
    if (left_behind.empty())
        return;
    const cause::LocalFault why{"the peer has another address now, and transport mode was between "
                                "the old ones"};
    for (const auto each : left_behind)
        close_child(turn, facts, sa, each, why);
    if (std::ranges::none_of(sa.children, &Child::in_use))
        turn.outcomes.emplace_back(outcome::Childless{sa.connection->name, why});
    create_missing_children(turn, facts, sa);
}

} // namespace viaduct::ike::v1
