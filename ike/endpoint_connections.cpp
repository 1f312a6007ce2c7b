// Connections: bringing them up, trying again, and following the operator.
#include "ike/endpoint_core.h"
#include "ike/overloaded.h"

#include "policy/connection_changes.h"

#include <algorithm>

namespace viaduct::ike {

namespace {

const policy::PeerName* peer_name(const policy::Connection& connection) {
    return std::get_if<policy::PeerName>(&connection.peer_address);
}

policy::UdpPath first_path(const policy::Connection& connection, const policy::IpAddress& peer,
                           const EndpointSettings& settings) {
    // RFC 7296 2.23: port 4500 may be used from the start, NAT or not. The marker before a message
    // goes by our own port, so to the peer's port for NAT we write from ours.
    const auto& ports = connection.peer_ports;
    const auto own = ports.ike == ports.nat ? settings.nat_port : settings.ike_port;
    return {.local = {connection.local_address, own}, .remote = {peer, ports.ike}};
}

/// Of several addresses each attempt takes the next one: the first may be the one that is gone.
std::optional<policy::IpAddress> address_for(const policy::Connection& connection,
                                             std::vector<policy::IpAddress> addresses,
                                             unsigned attempts) {
    std::erase_if(addresses, [&](const policy::IpAddress& each) {
        return each.family() != connection.local_address.family();
    });
    if (addresses.empty())
        return std::nullopt;
    return addresses[attempts % addresses.size()];
}

} // namespace

ConnectionUpkeep* Endpoint::Core::find(const std::string& name) {
    const auto found = upkeeps_.find(name);
    return found == upkeeps_.end() ? nullptr : &found->second;
}

void Endpoint::Core::start(TimePoint now, ConnectionUpkeep& upkeep) {
    const auto& connection = upkeep.connection();
    if (connection.esp.proposals.empty()) {
        attempt_impossible(now, upkeep, cause::KernelLacksAlgorithms{});
    } else if (connection.start == policy::StartAction::initiate) {
        upkeep.want(now);
        schedule(upkeep);
    } else if (const auto* name = peer_name(connection)) {
        // To recognise the peer when it comes.
        effects_.emplace_back(ResolveName{name->name});
    }
}

void Endpoint::Core::schedule(const ConnectionUpkeep& upkeep) {
    if (const auto next = upkeep.next_attempt(); next && !shut_down_)
        attempts_.emplace(*next, upkeep.connection().name);
}

void Endpoint::Core::attempt(TimePoint now, ConnectionUpkeep& upkeep) {
    if (shut_down_ || upkeep.negotiation)
        return;
    if (const auto obstacle = upkeep.obstacle()) {
        upkeep.on_path_blocked(now, *obstacle);
        report_failed(upkeep, {}, cause::NoPath{*obstacle});
        return;
    }
    upkeep.on_attempt(now);
    const auto& connection = upkeep.connection();
    if (connection.esp.proposals.empty()) {
        attempt_impossible(now, upkeep, cause::KernelLacksAlgorithms{});
        return;
    }
    const auto* name = peer_name(connection);
    if (name && !upkeep.told_address) {
        upkeep.resolving = true;
        effects_.emplace_back(ResolveName{name->name});
        return;
    }
    const auto peer =
        upkeep.told_address ? upkeep.told_address : directory_.peer_address(connection);
    if (peer) {
        initiate(now, upkeep, *peer);
        return;
    }
    attempt_impossible(now, upkeep, cause::LocalFault{"peer_address is any: the peer has to call"});
}

void Endpoint::Core::attempt_impossible(TimePoint now, ConnectionUpkeep& upkeep, const Cause& why) {
    upkeep.unwant(now, why);
    attempt_failed(now, upkeep, {}, why);
}

void Endpoint::Core::initiate(TimePoint now, ConnectionUpkeep& upkeep,
                              const policy::IpAddress& peer) {
    const auto connection = directory_.find(upkeep.connection().name);
    auto path = first_path(*connection, peer, settings_);
    const auto spi = draw_spi();
    upkeep.negotiation = spi;
    if (connection->ike.version == policy::IkeVersion::v1)
        with_turn<v1::Turn>(now, [&](v1::Turn& turn) {
            // RFC 3947 4: a new phase 1 begins where the old one has gone; there is a mapping of
            // the NAT's for that, and as a rule for nothing else. One that leads nowhere any more
            // is tried in turn with the port where every peer begins.
            const auto floated = floated_path(upkeep, peer);
            const bool in_vain = floated && upkeep.tried_way == floated;
            path = in_vain ? path : floated.value_or(path);
            upkeep.tried_way = in_vain ? std::nullopt : floated;
            sas_.try_emplace(spi, AnyIkeSa(v1::IsakmpSa::initiate(turn, connection, path, spi)));
            return spi;
        });
    else
        with_turn<v2::Turn>(now, [&](v2::Turn& turn) {
            sas_.try_emplace(spi, AnyIkeSa(v2::IkeSa::initiate(turn, connection, path, spi)));
            return spi;
        });
}

void Endpoint::Core::attempt_failed(TimePoint now, ConnectionUpkeep& upkeep,
                                    const policy::UdpPath& path, Cause why) {
    upkeep.on_attempt_failed(now, why, rng_);
    schedule(upkeep);
    report_failed(upkeep, path, std::move(why));
}

void Endpoint::Core::report_failed(const ConnectionUpkeep& upkeep, const policy::UdpPath& path,
                                   Cause why) {
    effects_.emplace_back(Report{NegotiationFailed{.connection = upkeep.connection().name,
                                                   .role = Role::initiator,
                                                   .path = path,
                                                   .why = std::move(why),
                                                   .retry = upkeep.next_attempt()}});
}

void Endpoint::Core::add(TimePoint now, const ConnectionPtr& connection) {
    auto& upkeep = upkeeps_.try_emplace(connection->name, connection, now).first->second;
    if (started_)
        start(now, upkeep);
}

void Endpoint::Core::close_all(TimePoint now, ConnectionUpkeep& upkeep, const Cause& why) {
    auto spis = upkeep.established.all();
    if (upkeep.negotiation)
        spis.push_back(*std::exchange(upkeep.negotiation, std::nullopt));
    // What an IKE rekey replaced, or made while it crosses another, has no part in the connection,
    // but the peer holds it.
    for (auto& [spi, entry] : sas_)
        if (entry.sa.alive() && entry.sa.connection() == upkeep.connection().name &&
            !std::ranges::contains(spis, spi))
            spis.push_back(spi);
    for (const auto& [name, spi] : orphaned_)
        if (name == upkeep.connection().name)
            spis.push_back(spi);
    for (const auto spi : spis)
        handle(now, spi, [&](auto& turn, auto& sa) { sa.close(turn, why); });
}

void Endpoint::Core::remove(TimePoint now, const std::string& name, const Cause& why) {
    if (auto* upkeep = find(name)) {
        upkeep->unwant(now, why);
        close_all(now, *upkeep, why);
    }
    upkeeps_.erase(name);
}

void Endpoint::Core::initiate(TimePoint now, const Initiate& command) {
    auto* upkeep = find(command.connection);
    if (!upkeep || shut_down_)
        return;
    upkeep->told_address = command.peer_address;
    upkeep->want(now);
    schedule(*upkeep);
    for (const auto spi : upkeep->established.all())
        handle(now, spi, [](auto& turn, auto& sa) { sa.create_missing_children(turn); });
}

void Endpoint::Core::acquire(TimePoint now, const Acquire& event) {
    auto* upkeep = find(event.connection);
    if (!upkeep || shut_down_ || !upkeep->on_demand(now, event.selectors))
        return;
    schedule(*upkeep);
    for (const auto spi : upkeep->established.all())
        handle(now, spi, [](auto& turn, auto& sa) { sa.on_demand(turn); });
}

void Endpoint::Core::terminate(TimePoint now, const Terminate& command) {
    auto* upkeep = find(command.connection);
    if (!upkeep)
        return;
    upkeep->unwant(now, cause::ClosedByOperator{});
    close_all(now, *upkeep, cause::ClosedByOperator{});
}

void Endpoint::Core::rekey(TimePoint now, const Rekey& command) {
    const auto* upkeep = find(command.connection);
    if (!upkeep || shut_down_)
        return;
    for (const auto spi : upkeep->established.all())
        handle(now, spi, [&](auto& turn, auto& sa) { sa.rekey(turn, command.what); });
}

void Endpoint::Core::reconfigure(TimePoint now, const Reconfigure& command) {
    policy::ConnectionSet before;
    for (const auto& each : directory_.all())
        before.connections.push_back(*each);
    directory_.replace(command.connections);
    policy::ConnectionSet after;
    for (const auto& each : directory_.all())
        after.connections.push_back(*each);
    const auto changes = policy::compare(before, after);
    for (const auto& name : changes.removed)
        remove(now, name, cause::Reconfigured{});
    // Also of what did not change: an SA would keep all of the old configuration in memory.
    for (auto& [spi, entry] : sas_)
        if (const auto connection = directory_.find(entry.sa.connection()))
            entry.sa.adopt(connection);
    for (const auto& name : changes.kept)
        if (auto* upkeep = find(name))
            upkeep->adopt(now, directory_.find(name));
    for (const auto& each : changes.changed)
        change(now, each);
    for (const auto& name : changes.added)
        add(now, directory_.find(name));
}

void Endpoint::Core::change(TimePoint now, const policy::ChangedConnection& changed) {
    auto* upkeep = find(changed.name);
    if (!upkeep)
        return;
    const bool could_not_start = upkeep->connection().esp.proposals.empty();
    upkeep->adopt(now, directory_.find(changed.name));
    if (could_not_start || upkeep->connection().esp.proposals.empty()) {
        close_all(now, *upkeep, cause::KernelLacksAlgorithms{});
        start(now, *upkeep);
        return;
    }
    if (const auto begun = std::exchange(upkeep->negotiation, std::nullopt)) {
        // It speaks of what was configured before.
        handle(now, *begun, [](auto& turn, auto& sa) { sa.close(turn, cause::Reconfigured{}); });
        upkeep->try_now(now);
    }
    schedule(*upkeep);
    if (changed.sas.new_ike_sas) {
        renew(now, *upkeep);
        return;
    }
    using What = Rekey::What;
    // Also of those that stay as they are: their deadlines may be others now.
    for (const auto spi : upkeep->established.all())
        handle(now, spi, [&](auto& turn, auto& sa) {
            if (changed.sas.rekey_children)
                sa.rekey(turn, What::child_sas);
            if (changed.sas.rekey_ike_sas)
                sa.rekey(turn, What::ike_sas);
        });
}

void Endpoint::Core::renew(TimePoint now, ConnectionUpkeep& upkeep) {
    if (std::holds_alternative<policy::AnyPeer>(upkeep.connection().peer_address)) {
        // Only the peer can begin.
        close_all(now, upkeep, cause::Reconfigured{});
        return;
    }
    for (const auto spi : upkeep.established.all()) {
        if (find_alive(spi) && !std::ranges::contains(upkeep.to_replace, spi))
            upkeep.to_replace.push_back(spi);
        handle_v1(now, spi, [](v1::Turn&, v1::IsakmpSa& sa) { sa.outdate(); });
    }
    upkeep.renewing = !upkeep.to_replace.empty();
    if (upkeep.renewing)
        attempt(now, upkeep);
}

void Endpoint::Core::shut_down(TimePoint now) {
    shut_down_ = true;
    for (auto& [name, upkeep] : upkeeps_)
        upkeep.unwant(now, cause::ClosedByOperator{});
    std::vector<wire::IkeSpi> spis;
    for (const auto& [spi, entry] : sas_)
        spis.push_back(spi);
    for (const auto spi : spis)
        handle(now, spi, [&](auto& turn, auto& sa) { sa.close(turn, cause::ClosedByOperator{}); });
    // What has no peer to tell has no reason to stay.
    std::erase_if(sas_, [](const auto& each) { return !each.second.sa.saying_goodbye(); });
    half_open_.clear();
    superfluous_.clear();
    end_retired_children(TimePoint::max());
}

void Endpoint::Core::resolved(TimePoint now, const NameResolved& answer) {
    // A name that does not resolve just now stands for what it stood for.
    if (!answer.addresses.empty())
        directory_.set_addresses(answer.name, answer.addresses);
    for (const auto& connection : directory_.with_peer_name(answer.name)) {
        auto* found = find(connection->name);
        if (!found || !found->resolving)
            continue;
        auto& upkeep = *found;
        upkeep.resolving = false;
        // While the resolver was asked, the operator or the peer may have settled the matter.
        const bool orphaned = has_orphans(connection->name) && serves_orphans(upkeep);
        const bool due =
            upkeep.established.empty() ? upkeep.wanted() || orphaned : !upkeep.to_replace.empty();
        if (shut_down_ || upkeep.negotiation || !due)
            continue;
        if (const auto address =
                address_for(upkeep.connection(), answer.addresses, upkeep.failures()))
            initiate(now, upkeep, *address);
        else
            attempt_failed(now, upkeep, {}, cause::NameUnresolved{answer.name});
    }
}

void Endpoint::Core::path_changed(TimePoint now, const PathChanged& command) {
    auto* upkeep = find(command.connection);
    if (!upkeep || shut_down_)
        return;
    if (command.obstacle) {
        if (const auto spi = std::exchange(upkeep->negotiation, std::nullopt))
            handle(now, *spi,
                   [&](auto& turn, auto& sa) { sa.close(turn, cause::NoPath{*command.obstacle}); });
        upkeep->on_path_blocked(now, *command.obstacle);
        return;
    }
    upkeep->on_path_open(now);
    schedule(*upkeep);
    if (upkeep->renewing)
        attempt(now, *upkeep);
    auto spis = upkeep->established.all();
    if (upkeep->negotiation)
        spis.push_back(*upkeep->negotiation);
    for (const auto spi : spis)
        handle(now, spi, [](auto& turn, auto& sa) { sa.send_again(turn); });
}

void Endpoint::Core::resolve_peers(TimePoint now) {
    constexpr auto interval = std::chrono::seconds(10);
    if (now - peers_resolved_ < interval)
        return;
    peers_resolved_ = now;
    for (const auto& each : directory_.all())
        if (const auto* name = peer_name(*each))
            effects_.emplace_back(ResolveName{name->name});
}

void Endpoint::Core::on_command(TimePoint now, const Command& command) {
    std::visit(Overloaded{
                   [&](const Initiate& each) { initiate(now, each); },
                   [&](const Terminate& each) { terminate(now, each); },
                   [&](const Rekey& each) { rekey(now, each); },
                   [&](const Reconfigure& each) { reconfigure(now, each); },
                   [&](const Shutdown&) { shut_down(now); },
                   [&](const NameResolved& each) { resolved(now, each); },
                   [&](const PathChanged& each) { path_changed(now, each); },
               },
               command);
}

} // namespace viaduct::ike
