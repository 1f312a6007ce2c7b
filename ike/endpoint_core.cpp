// Handling one SA, its deadline, and what the operator sees.
#include "ike/endpoint_core.h"
#include "ike/overloaded.h"
#include "ike/transport_mode.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace viaduct::ike {

Endpoint::Core::Core(policy::ConnectionSet connections, Botan::RandomNumberGenerator& rng,
                     EndpointSettings settings)
    : settings_(std::move(settings)),
      rng_(rng),
      directory_(std::move(connections), settings_.only_connection),
      half_open_(settings_) {
    for (const auto& each : directory_.all())
        upkeeps_.try_emplace(each->name, each, TimePoint{});
}

Turn Endpoint::Core::make_turn(TimePoint now) {
    return {.now = now,
            .rng = rng_,
            .settings = settings_,
            .directory = directory_,
            .child_spis = child_spis_,
            .dropped = dropped_,
            .effects = effects_,
            .is_up =
                [this](const std::string& connection) {
                    const auto* upkeep = find(connection);
                    return (upkeep && !upkeep->established.empty()) || has_orphans(connection);
                },
            .is_wanted =
                [this](const std::string& connection) {
                    const auto* upkeep = find(connection);
                    // What an IKE SA carries that is to be replaced, its successor has to carry,
                    // too.
                    return upkeep && !shut_down_ &&
                           (upkeep->wanted() || !upkeep->to_replace.empty());
                },
            .is_demanded =
                [this](const policy::Connection& connection, const ChildSelectors& child) {
                    return is_demanded(connection.name, child);
                },
            .draw_ike_spi = [this] { return draw_spi(); },
            .is_alive = [this](wire::IkeSpi spi) { return find_alive(spi) != nullptr; },
            .hand_over = [this, now](const std::string& connection,
                                     wire::IkeSpi spi) { return hand_over(now, connection, spi); },
            .is_carried_elsewhere = [this](const std::string& connection,
                                           wire::IkeSpi spi) { return has_other(connection, spi); },
            .has_peer =
                [this](const std::string& connection, const policy::Identity& peer) {
                    const auto* upkeep = find(connection);
                    // One that is to be replaced may have been another's name for the same peer.
                    return upkeep && (upkeep->renewing || !upkeep->established.with(peer).empty());
                },
            .no_room =
                [this, now](const std::string& connection, const policy::Identity& peer,
                            FirstContact first_contact) {
                    return no_room(now, connection, peer, first_contact);
                },
            .v1_peer_is_elsewhere =
                [this](const std::string& connection, const policy::Identity& peer,
                       const policy::IpAddress& address) {
                    return v1_peer_is_elsewhere(connection, peer, address);
                },
            .children_elsewhere =
                [this](const std::string& connection, wire::IkeSpi spi) {
                    return children_elsewhere(connection, spi);
                },
            .v1_carrier_elsewhere =
                [this](const std::string& connection, wire::IkeSpi spi,
                       const ChildSelectors& selectors) {
                    return v1_carrier_elsewhere(connection, spi, selectors);
                },
            .user_between_gateways =
                [this](const policy::UdpPath& path, const ChildUser& peer,
                       const ChildSelectors& selectors) {
                    return user_between_gateways(path, peer, selectors);
                },
            .retired = retired_};
}

std::optional<Cause> Endpoint::Core::no_room(TimePoint now, const std::string& connection,
                                             const policy::Identity& peer,
                                             FirstContact first_contact) {
    const auto* upkeep = find(connection);
    if (!upkeep)
        return std::nullopt;
    const auto of_peer = upkeep->established.with(peer);
    if (of_peer.empty() && upkeep->established.size() >= settings_.peer_limit)
        if (const auto others = upkeep->established.peers(); others >= settings_.peer_limit)
            return cause::TooManyPeers{shortened(peer), others};
    const bool all_stay = upkeep->connection().unique == policy::Uniqueness::never;
    const auto limit = all_stay ? settings_.ike_sa_limit : 2 * settings_.ike_sa_limit;
    if (first_contact == FirstContact::yes || of_peer.size() < limit ||
        oldest_to_spare(*upkeep, peer, std::nullopt))
        return std::nullopt;
    for (const auto each : of_peer)
        handle(now, each, [](auto& turn, auto& sa) { sa.check_liveness(turn); });
    return cause::TooManyIkeSas{shortened(peer), of_peer.size()};
}

std::optional<OtherUser>
Endpoint::Core::user_between_gateways(const policy::UdpPath& path, const ChildUser& peer,
                                      const policy::ChildSelectors& selectors) const {
    for (const auto& [spi, entry] : sas_) {
        const auto& other = entry.sa.facts().path;
        if (other.local.address != path.local.address ||
            other.remote.address != path.remote.address || other.remote.port == path.remote.port)
            continue;
        const auto status = entry.sa.status();
        if (!status || !status->peer)
            continue;
        const auto takes_some = [&](const ChildSaStatus& child) {
            return are_between_gateways(other, child.local_selectors, child.remote_selectors) &&
                   policy::meet(child.local_selectors, selectors.local) &&
                   policy::meet(child.remote_selectors, selectors.remote);
        };
        OtherUser user{{entry.sa.connection(), *status->peer}, spi};
        if (user.who != peer && std::ranges::any_of(status->children, takes_some))
            return user;
    }
    return std::nullopt;
}

void Endpoint::Core::settle(TimePoint now, wire::IkeSpi spi) {
    const auto found = sas_.find(spi);
    if (found == sas_.end())
        return;
    const auto& sa = found->second.sa;
    const auto& facts = sa.facts();
    if (facts.role == Role::responder && !sa.half_open())
        half_open_.remove(facts.first_path.remote, facts.initiator_spi, spi);
    const auto* of_v1 = sa.as_v1();
    if (of_v1 && of_v1->orphaned())
        orphaned_.emplace(sa.connection(), spi);
    if (sa.gone()) {
        std::erase_if(orphaned_, [&](const auto& each) { return each.second == spi; });
        sas_.erase(found);
    } else {
        schedule(now, spi, found->second);
    }
}

void Endpoint::Core::schedule(TimePoint now, wire::IkeSpi spi, Entry& entry) {
    const auto due = entry.sa.next_deadline();
    if (!due || *due >= entry.scheduled)
        return;
    // Whatever is due already has had its turn; the next must not come at once, or a fault that
    // repeats would keep the caller busy.
    entry.scheduled = std::max(*due, now + std::chrono::milliseconds(1));
    deadlines_.emplace(entry.scheduled, spi);
}

void Endpoint::Core::note_messages(std::size_t first_effect,
                                   const std::optional<Ascription>& ascription) {
    const auto note = [&](const std::string& connection, const std::string& arrow) {
        if (auto* upkeep = find(connection))
            upkeep->note_message(arrow);
    };
    const auto note_ascribed = [&](const std::string& arrow) {
        for (const auto& connection : ascription->connections)
            note(connection, arrow);
    };
    if (ascription)
        std::ranges::for_each(ascription->earlier, note_ascribed);
    for (auto i = first_effect; i < effects_.size(); ++i) {
        const auto* report = std::get_if<Report>(&effects_[i]);
        const auto* message = report ? std::get_if<MessageReport>(&report->event) : nullptr;
        if (!message)
            continue;
        if (!message->connection.empty())
            note(message->connection, message->arrow);
        else if (ascription)
            note_ascribed(message->arrow);
    }
}

wire::IkeSpi Endpoint::Core::draw_spi() {
    for (;;) {
        std::array<std::uint8_t, 8> octets;
        rng_.randomize(octets);
        std::uint64_t number = 0;
        for (const auto octet : octets)
            number = number << 8 | octet;
        const wire::IkeSpi spi{number};
        if (number != 0 && !sas_.contains(spi))
            return spi;
    }
}

void Endpoint::Core::on_deadline(TimePoint now) {
    if (!started_) {
        started_ = true;
        for (const auto& each : directory_.all()) {
            auto& upkeep = *find(each->name);
            upkeep.begin(now);
            start(now, upkeep);
        }
    }
    std::vector<wire::IkeSpi> due;
    while (!deadlines_.empty() && deadlines_.top().first <= now) {
        const auto [time, spi] = deadlines_.top();
        deadlines_.pop();
        const auto found = sas_.find(spi);
        if (found == sas_.end() || found->second.scheduled != time)
            continue;
        found->second.scheduled = TimePoint::max();
        due.push_back(spi);
    }
    for (const auto spi : due)
        handle(now, spi, [&](auto& turn, auto& sa) {
            const auto deadline = sa.next_deadline();
            if (deadline && *deadline <= now)
                sa.on_deadline(turn);
        });
    end_retired_children(now);
    while (!superfluous_.empty() && superfluous_.begin()->first <= now) {
        const auto spi = superfluous_.extract(superfluous_.begin()).mapped();
        close_superfluous(now, spi);
    }
    while (!attempts_.empty() && attempts_.top().first <= now) {
        const auto [time, name] = attempts_.top();
        attempts_.pop();
        auto* upkeep = find(name);
        if (upkeep && upkeep->next_attempt() == time && (upkeep->wanted() || upkeep->renewing))
            attempt(now, *upkeep);
    }
}

bool Endpoint::Core::is_demanded(const std::string& connection,
                                 const policy::ChildSelectors& child) {
    const auto* upkeep = find(connection);
    return upkeep && (upkeep->demands(child) ||
                      std::ranges::any_of(upkeep->to_replace, [&](wire::IkeSpi spi) {
                          const auto* old = find_alive(spi);
                          return old && old->protects(child);
                      }));
}

AnyIkeSa* Endpoint::Core::find_alive(wire::IkeSpi spi) {
    const auto found = sas_.find(spi);
    return found != sas_.end() && found->second.sa.alive() ? &found->second.sa : nullptr;
}

std::vector<AnyIkeSa*> Endpoint::Core::alive_beside(const std::string& connection,
                                                    wire::IkeSpi spi) {
    const auto* upkeep = find(connection);
    std::vector<AnyIkeSa*> alive;
    for (const auto each : upkeep ? upkeep->established.beside(spi) : std::vector<wire::IkeSpi>{})
        if (auto* sa = find_alive(each))
            alive.push_back(sa);
    return alive;
}

bool Endpoint::Core::has_other(const std::string& connection, wire::IkeSpi spi) {
    return !alive_beside(connection, spi).empty();
}

std::size_t Endpoint::Core::children_elsewhere(const std::string& connection, wire::IkeSpi spi) {
    std::size_t count = 0;
    for (const auto* sa : alive_beside(connection, spi))
        count += sa->child_count();
    return count;
}

bool Endpoint::Core::hand_over(TimePoint now, const std::string& connection, wire::IkeSpi spi) {
    const auto* upkeep = find(connection);
    if (!upkeep || shut_down_)
        return false;
    std::vector<wire::IkeSpi> others;
    std::ranges::copy_if(upkeep->established.beside(spi), std::back_inserter(others),
                         [&](wire::IkeSpi each) { return find_alive(each) != nullptr; });
    // One that the peer has for certain takes the traffic; else it goes where it can.
    const bool carried = std::ranges::any_of(others, [&](wire::IkeSpi each) {
        const auto* sa = find_alive(each);
        return sa->is_confirmed() &&
               sa->carries_everything([&](const policy::ChildSelectors& child) {
                   return is_demanded(connection, child);
               });
    });
    if (!carried)
        for (const auto each : others)
            handle(now, each, [](auto& turn, auto& sa) { sa.activate_children(turn); });
    return !others.empty();
}

void Endpoint::Core::end_retired_children(TimePoint now) {
    const auto end = retired_.upper_bound(now);
    for (auto each = retired_.begin(); each != end; ++each) {
        effects_.emplace_back(RemoveChildSa{each->second.child});
        child_spis_.retire(each->second.inbound_spi, each->first);
    }
    retired_.erase(retired_.begin(), end);
}

void Endpoint::Core::on_kernel_event(TimePoint now, const KernelEvent& event) {
    const auto with_owner = [&](auto child, const auto& work) {
        if (const auto owner = child_spis_.owner(child))
            handle(now, *owner, work);
    };
    std::visit(Overloaded{
                   [&](const HardExpired& each) {
                       with_owner(each.inbound_spi, [&](auto& turn, auto& sa) {
                           sa.on_hard_expired(turn, each.inbound_spi);
                       });
                   },
                   [&](const SoftExpired& each) {
                       with_owner(each.inbound_spi, [&](auto& turn, auto& sa) {
                           sa.on_soft_expired(turn, each.inbound_spi);
                       });
                   },
                   [&](const Acquire& each) { acquire(now, each); },
                   [&](const TrafficRead& each) {
                       with_owner(each.child, [&](auto& turn, auto& sa) {
                           sa.on_traffic_read(turn, each.child, each.inbound_packets);
                       });
                   },
               },
               event);
}

void Endpoint::Core::on_effect_failed(TimePoint now, const EffectFailure& failure) {
    const auto& refused = std::get<ChildSaInstallFailed>(failure);
    if (const auto owner = child_spis_.owner(refused.child))
        handle(now, *owner, [&](auto& turn, auto& sa) {
            sa.on_child_refused(turn, refused.child, refused.reason);
        });
}

std::optional<Effect> Endpoint::Core::next_effect() {
    if (effects_.empty())
        return std::nullopt;
    auto effect = std::move(effects_.front());
    effects_.pop_front();
    return effect;
}

std::optional<TimePoint> Endpoint::Core::next_deadline() const {
    if (!started_)
        return TimePoint::min();
    std::optional<TimePoint> earliest;
    const auto consider = [&](TimePoint time) {
        earliest = earliest ? std::min(*earliest, time) : time;
    };
    if (!sas_.empty() && !deadlines_.empty())
        earliest = deadlines_.top().first;
    if (!shut_down_ && !attempts_.empty())
        consider(attempts_.top().first);
    if (!superfluous_.empty())
        consider(superfluous_.begin()->first);
    if (!retired_.empty())
        consider(retired_.begin()->first);
    return earliest;
}

std::vector<policy::ChildSelectors>
Endpoint::Core::missing_children(const ConnectionUpkeep& upkeep) const {
    std::optional<std::vector<policy::ChildSelectors>> missing;
    for (const auto spi : upkeep.established.all()) {
        const auto entry = sas_.find(spi);
        if (entry == sas_.end())
            continue;
        const auto& sa = entry->second.sa;
        if (!missing)
            missing = sa.missing_children();
        else
            std::erase_if(*missing, [&](const auto& child) { return sa.protects(child); });
    }
    return missing.value_or(std::vector<policy::ChildSelectors>{});
}

EndpointStatus Endpoint::Core::status() const {
    std::map<std::string, ConnectionStatus, std::less<>> by_name;
    for (const auto& [name, upkeep] : upkeeps_)
        by_name.emplace(name, upkeep.status());
    for (const auto& [spi, entry] : sas_) {
        auto status = entry.sa.status();
        const auto found = by_name.find(entry.sa.connection());
        if (status && found != by_name.end())
            found->second.ike_sas.push_back(std::move(*status));
    }
    EndpointStatus out{.connections = {},
                       .dropped = dropped_,
                       .half_open = half_open_.count(),
                       .unmatched = {unmatched_.begin(), unmatched_.end()}};
    for (const auto& each : directory_.all()) {
        auto& status = by_name.at(each->name);
        const bool carried = std::ranges::any_of(
            status.ike_sas, [](const auto& sa) { return !sa.children.empty(); });
        const bool established =
            std::ranges::any_of(status.ike_sas, [](const auto& sa) { return sa.established; });
        if (!carried && (status.state == ConnectionState::up ||
                         (status.state == ConnectionState::down && established)))
            status.state = ConnectionState::ike_only;
        std::ranges::sort(status.ike_sas, {}, &IkeSaStatus::since);
        if (established)
            status.missing_children = missing_children(upkeeps_.at(each->name));
        out.connections.push_back(std::move(status));
    }
    return out;
}

} // namespace viaduct::ike
