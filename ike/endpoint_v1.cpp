// What is IKEv1's alone: from octets to the ISAKMP SA that they are for, and children that outlive
// their phase 1.
#include "ike/endpoint_core.h"
#include "ike/nat_traversal.h"
#include "ike/v1/aggressive_mode_responder.h"

#include <algorithm>

namespace viaduct::ike {

namespace {

using wire::ExchangeType;

/// A half-open SA keeps the message, and anybody can send one.
constexpr std::size_t max_first_message = 8192;

bool is_v1_exchange(ExchangeType exchange) {
    return exchange == ExchangeType::identity_protection || exchange == ExchangeType::aggressive ||
           exchange == ExchangeType::informational_v1 || exchange == ExchangeType::quick_mode;
}

bool begins_phase_one(const wire::Header& header) {
    return header.responder_spi == wire::IkeSpi{} && header.initiator_spi != wire::IkeSpi{} &&
           header.message_id == wire::MessageId{} &&
           (header.exchange == ExchangeType::identity_protection ||
            header.exchange == ExchangeType::aggressive);
}

} // namespace

Endpoint::Core::Table::iterator Endpoint::Core::find_v1(const wire::Header& header) {
    // The header does not say who began: our cookie is one of the two.
    const auto as_responder = sas_.find(header.responder_spi);
    if (as_responder != sas_.end() && as_responder->second.sa.is_v1() &&
        as_responder->second.sa.facts().role == Role::responder &&
        as_responder->second.sa.facts().initiator_spi == header.initiator_spi)
        return as_responder;
    const auto as_initiator = sas_.find(header.initiator_spi);
    if (as_initiator == sas_.end() || !as_initiator->second.sa.is_v1())
        return sas_.end();
    const auto& facts = as_initiator->second.sa.facts();
    const bool fits =
        facts.role == Role::initiator &&
        (facts.responder_spi == header.responder_spi || facts.responder_spi == wire::IkeSpi{});
    return fits ? as_initiator : sas_.end();
}

void Endpoint::Core::on_v1_message(TimePoint now, const policy::UdpPath& path,
                                   const wire::Header& header,
                                   std::span<const std::uint8_t> octets) {
    if (!is_v1_exchange(header.exchange)) {
        ++dropped_.unknown_exchange;
        return;
    }
    const bool first = begins_phase_one(header);
    const auto found = first ? sas_.end() : find_v1(header);
    if (!first && found == sas_.end()) {
        // No answer: what is in clear would not be believed, and there are no keys.
        ++dropped_.unknown_sa;
        return;
    }
    if (first && octets.size() > max_first_message) {
        ++dropped_.malformed;
        return;
    }
    const auto message = wire::v1::decode_message(octets);
    const auto* clear = message ? std::get_if<wire::v1::ClearMessage>(&*message) : nullptr;
    if (!message || (first && !clear)) {
        ++dropped_.malformed;
        return;
    }
    if (first)
        on_v1_first_message(now, path, *clear, octets);
    else
        on_v1_message(now, found->first, path, *message, octets);
}

void Endpoint::Core::on_v1_message(TimePoint now, wire::IkeSpi spi, const policy::UdpPath& path,
                                   const wire::v1::Message& message,
                                   std::span<const std::uint8_t> octets) {
    handle_v1(now, spi, [&](v1::Turn& turn, v1::IsakmpSa& sa) {
        const auto* part = std::get_if<wire::v1::FragmentMessage>(&message);
        if (!part) {
            sa.on_message(turn, {path, message, octets});
            return;
        }
        const auto whole = sa.add_part(now, part->fragment);
        if (!whole)
            return;
        const auto inside = wire::v1::decode_message(*whole);
        const bool usable =
            inside && !std::holds_alternative<wire::v1::FragmentMessage>(*inside) &&
            wire::v1::header_of(*inside).initiator_spi == part->header.initiator_spi &&
            wire::v1::header_of(*inside).responder_spi == part->header.responder_spi;
        if (usable)
            sa.on_message(turn, {path, *inside, *whole});
        else
            ++turn.dropped.malformed;
    });
}

void Endpoint::Core::on_v1_first_message(TimePoint now, const policy::UdpPath& path,
                                         const wire::v1::ClearMessage& message,
                                         std::span<const std::uint8_t> octets) {
    if (const auto own = half_open_.find(path.remote, message.header.initiator_spi)) {
        handle_v1(now, *own, [&](v1::Turn& turn, v1::IsakmpSa& sa) {
            ++(sa.repeat_first_answer(turn, octets) ? dropped_.repeated : dropped_.unexpected);
        });
        return;
    }
    // A cookie of IKEv1 proves nothing, because the responder has to keep what was offered: where
    // IKEv2 would ask for one, IKEv1 waits, so that it cannot take IKEv2's places.
    if (shut_down_ || !half_open_.has_room_without_cookie(path.remote.address)) {
        ++dropped_.half_open_limit;
        return;
    }
    auto candidates = directory_.candidates(policy::IkeVersion::v1, path);
    if (candidates.empty()) {
        ++dropped_.no_connection;
        resolve_peers(now);
        NegotiationFailed failed{.connection = {},
                                 .role = Role::responder,
                                 .path = path,
                                 .why = cause::NoConnection{path},
                                 .retry = std::nullopt};
        note_unmatched(failed);
        if (answers_.take(now))
            effects_.emplace_back(Report{std::move(failed)});
        return;
    }
    answer_v1_first_message(now, {path, wire::v1::Message(message), octets}, std::move(candidates));
}

void Endpoint::Core::answer_v1_first_message(TimePoint now, const v1::Received& received,
                                             std::vector<ConnectionPtr> candidates) {
    const auto& header = wire::v1::header_of(received.message);
    IkeSaFacts facts{.role = Role::responder,
                     .initiator_spi = header.initiator_spi,
                     .responder_spi = draw_spi(),
                     .path = received.path,
                     .first_path = received.path,
                     .nat = {},
                     .since = now};
    with_turn<v1::Turn>(now, [&](v1::Turn& turn) {
        const auto own = facts.responder_spi;
        const auto keep = [&](auto answered) {
            if (answered) {
                half_open_.add(received.path.remote, header.initiator_spi, own);
                sas_.try_emplace(own, AnyIkeSa(v1::IsakmpSa(facts, std::move(*answered))));
            } else {
                refuse_v1_first_message(now, received.path, std::move(answered.error()));
            }
        };
        if (header.exchange == ExchangeType::aggressive)
            keep(v1::answer_aggressive_mode(turn, facts, std::move(candidates), received));
        else
            keep(v1::answer_main_mode(turn, facts, std::move(candidates), received));
        return own;
    });
}

void Endpoint::Core::refuse_v1_first_message(TimePoint now, const policy::UdpPath& path,
                                             v1::FirstMessageRefused refused) {
    if (!refused.response.empty() && answers_.take(now))
        effects_.emplace_back(
            SendDatagram{path, ike_datagram(refused.response, path.local.port, settings_)});
    if (!refused.why)
        return;
    NegotiationFailed failed{.connection = refused.connection,
                             .role = Role::responder,
                             .path = path,
                             .why = *refused.why,
                             .retry = std::nullopt};
    if (auto* upkeep = find(refused.connection))
        upkeep->on_peer_failed(now, std::move(*refused.why));
    else
        note_unmatched(failed);
    effects_.emplace_back(Report{std::move(failed)});
}

void Endpoint::Core::adopt_children(TimePoint now, wire::IkeSpi spi) {
    const auto* heir = find_alive(spi);
    const auto* upkeep = heir ? find(heir->connection()) : nullptr;
    if (!upkeep)
        return;
    const auto peer = heir->as_v1()->peer();
    auto givers = upkeep->established.beside(spi);
    for (const auto& [name, orphan] : orphaned_) {
        const auto found = sas_.find(orphan);
        if (name == upkeep->connection().name && found != sas_.end() &&
            found->second.sa.as_v1()->peer() == peer)
            givers.push_back(orphan);
    }
    for (const auto each : givers)
        handle_v1(now, each, [](v1::Turn& turn, v1::IsakmpSa& sa) { sa.give_children(turn); });
}

bool Endpoint::Core::v1_peer_is_elsewhere(const std::string& connection,
                                          const policy::Identity& peer,
                                          const policy::IpAddress& address) {
    const auto* upkeep = find(connection);
    bool has_any = false;
    for (const auto each : upkeep ? upkeep->established.with(peer) : std::vector<wire::IkeSpi>{}) {
        const auto* sa = find_alive(each);
        if (sa && sa->facts().path.remote.address == address)
            return false;
        has_any = has_any || sa != nullptr;
    }
    return has_any;
}

std::optional<policy::ChildSaId>
Endpoint::Core::v1_carrier_elsewhere(const std::string& connection, wire::IkeSpi spi,
                                     const policy::ChildSelectors& selectors) {
    for (const auto* sa : alive_beside(connection, spi))
        if (sa->is_v1() && !sa->as_v1()->is_outdated())
            if (const auto carrier = sa->as_v1()->carrier_of(selectors))
                return carrier;
    return std::nullopt;
}

std::optional<policy::UdpPath> Endpoint::Core::floated_path(const ConnectionUpkeep& upkeep,
                                                            const policy::IpAddress& peer) const {
    const auto& connection = upkeep.connection();
    if (upkeep.ports_edited)
        return std::nullopt;
    auto spis = upkeep.established.all();
    for (const auto& [name, orphan] : orphaned_)
        if (name == connection.name)
            spis.push_back(orphan);
    for (const auto spi : spis) {
        const auto found = sas_.find(spi);
        if (found == sas_.end() || !found->second.sa.is_v1())
            continue;
        const auto& path = found->second.sa.facts().path;
        if (path.local == policy::UdpEndpoint{connection.local_address, settings_.nat_port} &&
            path.remote.address == peer)
            return path;
    }
    return std::nullopt;
}

bool Endpoint::Core::has_orphans(const std::string& connection) const {
    const auto first = orphaned_.lower_bound({connection, wire::IkeSpi{}});
    return first != orphaned_.end() && first->first == connection;
}

bool Endpoint::Core::serves_orphans(const ConnectionUpkeep& upkeep) const {
    // Who waits for its peer by `close` goes on waiting, and who cannot begin does not.
    const auto& connection = upkeep.connection();
    return !std::holds_alternative<policy::AnyPeer>(connection.peer_address) &&
           (connection.close != policy::CloseAction::clear || upkeep.wanted());
}

void Endpoint::Core::start_phase_one_for_orphans(TimePoint now, const std::string& connection) {
    auto* upkeep = find(connection);
    if (upkeep && upkeep->established.empty() && !upkeep->negotiation && serves_orphans(*upkeep))
        attempt(now, *upkeep);
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi, v1::outcome::Bequeath& outcome) {
    const auto* upkeep = find(outcome.connection);
    std::optional<wire::IkeSpi> heir;
    TimePoint youngest = TimePoint::min();
    bool superseded = true;
    for (const auto each :
         upkeep ? upkeep->established.with(outcome.peer) : std::vector<wire::IkeSpi>()) {
        const auto* sa = each == spi ? nullptr : find_alive(each);
        if (!sa || !sa->is_v1() || sa->as_v1()->is_outdated())
            continue;
        const bool worse = sa->as_v1()->is_superseded();
        if (heir &&
            (worse > superseded || (worse == superseded && *sa->established_at() < youngest)))
            continue;
        heir = each;
        youngest = *sa->established_at();
        superseded = worse;
    }
    if (!heir) {
        for (const auto& child : outcome.children) {
            effects_.emplace_back(RemoveChildSa{child.id});
            child_spis_.retire(child.inbound_spi, now);
        }
        return;
    }
    handle_v1(now, *heir, [&](v1::Turn& turn, v1::IsakmpSa& sa) {
        sa.inherit(turn, std::move(outcome.children), std::move(outcome.waiting));
    });
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi,
                                const v1::outcome::DeletedElsewhere& outcome) {
    const auto* upkeep = find(outcome.connection);
    if (!upkeep)
        return;
    for (const auto each : upkeep->established.with(outcome.peer))
        if (each != spi)
            handle_v1(now, each, [&](v1::Turn& turn, v1::IsakmpSa& sa) {
                sa.delete_children(turn, outcome.spis);
            });
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi /*spi*/,
                                const v1::outcome::HeldByAnother& outcome) {
    handle(now, outcome.other, [](auto& turn, auto& sa) { sa.check_liveness(turn); });
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi,
                                const v1::outcome::ToldOfChild& outcome) {
    const auto owner = child_spis_.owner(outcome.child);
    if (owner && *owner != spi)
        handle_v1(now, *owner, [&](v1::Turn& turn, v1::IsakmpSa& sa) {
            sa.told_of_child(turn, outcome.child, outcome.peer_has_it);
        });
}

void Endpoint::Core::on_outcome(TimePoint now, wire::IkeSpi spi,
                                const v1::outcome::Doubt& outcome) {
    const auto found = sas_.find(spi);
    NegotiationFailed failed{.connection = outcome.connection,
                             .role = outcome.role,
                             .path = found == sas_.end() ? policy::UdpPath{}
                                                         : found->second.sa.facts().path,
                             .why = outcome.why,
                             .retry = std::nullopt};
    if (auto* upkeep = find(outcome.connection))
        upkeep->on_child_failed(now, outcome.role, outcome.why);
    else
        note_unmatched(failed);
    effects_.emplace_back(Report{std::move(failed)});
}

} // namespace viaduct::ike
