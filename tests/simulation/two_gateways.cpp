#include "tests/simulation/two_gateways.h"

#include "ike/overloaded.h"
#include "ike/transport_mode.h"

#include <algorithm>
#include <cstdlib>
#include <format>
#include <iostream>
#include <utility>

namespace viaduct::simulation {

namespace {

Botan::secure_vector<std::uint8_t> seed_octets(std::uint64_t seed, std::uint8_t salt) {
    Botan::secure_vector<std::uint8_t> out(32, salt);
    for (std::size_t i = 0; i < 8; ++i)
        out[i] = static_cast<std::uint8_t>(seed >> (8 * i));
    return out;
}

policy::UdpPath reversed(const policy::UdpPath& path) {
    return {path.remote, path.local};
}

bool listens(const Gateway& gateway, const policy::UdpPath& path) {
    return path.local.port == gateway.settings.ike_port ||
           path.local.port == gateway.settings.nat_port;
}

/// In transport mode in UDP each side has the addresses that it sees itself; protocols and ports
/// are what they can be compared by.
std::vector<policy::TrafficSelector>
comparable(const policy::ChildSa& child, const std::vector<policy::TrafficSelector>& selectors) {
    auto out = selectors;
    if (child.mode == policy::EspMode::transport && child.encapsulation)
        for (auto& each : out)
            each.start_address = each.end_address = {};
    return out;
}

/// What is wrong between two children that have each other's SPIs.
std::vector<std::string> differences(const policy::ChildSa& ours, const policy::ChildSa& theirs) {
    std::vector<std::string> out;
    if (theirs.outbound_spi != ours.inbound_spi)
        out.emplace_back("the SPIs do not cross");
    if (!(theirs.inbound_keys == ours.outbound_keys && theirs.outbound_keys == ours.inbound_keys))
        out.emplace_back("different keys");
    if (theirs.suite != ours.suite)
        out.emplace_back("different suites");
    if (theirs.mode != ours.mode)
        out.emplace_back("different modes");
    if (comparable(theirs, theirs.local_selectors) != comparable(ours, ours.remote_selectors) ||
        comparable(theirs, theirs.remote_selectors) != comparable(ours, ours.local_selectors))
        out.emplace_back("different selectors");
    if (theirs.encapsulation.has_value() != ours.encapsulation.has_value())
        out.emplace_back("only one side encapsulates");
    return out;
}

} // namespace

TimePoint Clock::shows(TimePoint time) const {
    const auto passed = time.time_since_epoch();
    return TimePoint(passed + ahead + passed * fast / 1'000'000);
}

TimePoint Clock::until_it_shows(TimePoint time) const {
    if (fast == 0)
        return time - ahead;
    const auto passed =
        std::chrono::duration<double, TimePoint::period>(time.time_since_epoch() - ahead);
    auto found = TimePoint(std::chrono::duration_cast<TimePoint::duration>(
        passed / (1.0 + static_cast<double>(fast) / 1e6)));
    // Division rounds, and so does shows().
    for (; shows(found) >= time; found -= std::chrono::nanoseconds(1)) {
    }
    for (; shows(found) < time; found += std::chrono::nanoseconds(1)) {
    }
    return found;
}

void FakeKernel::check(const policy::ChildSa& child) {
    const auto complain = [&](const std::string& what) {
        complaints_.push_back(std::format("{}: child {:08x}: {}", name_,
                                          static_cast<std::uint32_t>(child.inbound_spi), what));
    };
    for (const auto& [id, installed] : installed_)
        if (installed.child.inbound_spi == child.inbound_spi)
            complain("its inbound SPI is in use");
    for (const auto* keys : {&child.inbound_keys, &child.outbound_keys}) {
        if (keys->encryption.size() != child.suite.encryption_key_length())
            complain("encryption key of a wrong length");
        if (keys->integrity.size() != child.suite.integrity_key_length())
            complain("integrity key of a wrong length");
    }
    if (child.inbound_keys == child.outbound_keys)
        complain("one key for both directions");
    if (child.local_selectors.empty() || child.remote_selectors.empty())
        complain("no selectors");
    if (child.reqid == 0)
        complain("no reqid");
    if (child.soft_volume.bytes > child.hard_volume.bytes ||
        child.soft_volume.packets > child.hard_volume.packets)
        complain("a soft limit beyond the hard one");
    if (child.mode == policy::EspMode::transport &&
        !ike::are_between_gateways({{child.local_address, 0}, {child.remote_address, 0}},
                                   child.local_selectors, child.remote_selectors))
        complain("transport mode not between the gateways");
    // The kernel takes the newest state of a reqid, whatever it protects.
    for (const auto& [id, installed] : installed_)
        if (installed.child.reqid == child.reqid &&
            (installed.child.connection != child.connection ||
             !std::ranges::is_permutation(installed.child.local_selectors, child.local_selectors) ||
             !std::ranges::is_permutation(installed.child.remote_selectors,
                                          child.remote_selectors)))
            complain("its reqid is that of a child with other selectors");
}

bool FakeKernel::refuses() {
    if (++installations_ == refused_installation)
        return true;
    if (refusals == 0)
        return false;
    --refusals;
    return true;
}

std::optional<std::string> FakeKernel::install(const policy::ChildSa& child, Sides sides) {
    if (refuses()) {
        refused_.insert(child.id);
        return "no memory (simulated)";
    }
    check(child);
    const bool both = sides == Sides::both;
    const InstalledChild entry{
        .child = child, .outbound = both, .outbound_number = both ? ++outbound_number_ : 0};
    if (!installed_.emplace(child.id, entry).second)
        complaints_.push_back(name_ + ": a child id is used twice");
    return std::nullopt;
}

std::optional<std::string> FakeKernel::install_outbound(const policy::ChildSa& child) {
    const auto found = installed_.find(child.id);
    if (found == installed_.end() && refused_.contains(child.id))
        return "its inbound SA was refused";
    if (found == installed_.end() || found->second.outbound) {
        complaints_.push_back(name_ + ": an outbound SA without inbound SA, or twice");
        return "no such child";
    }
    if (refuses()) {
        installed_.erase(found);
        return "no memory (simulated)";
    }
    if (!(found->second.child == child))
        complaints_.push_back(name_ + ": the outbound SA is of another child");
    found->second.outbound = true;
    found->second.outbound_number = ++outbound_number_;
    return std::nullopt;
}

void FakeKernel::remove_outbound(policy::ChildSaId child) {
    const auto found = installed_.find(child);
    if (found != installed_.end())
        found->second.outbound = false;
}

void FakeKernel::remove(policy::ChildSaId child) {
    installed_.erase(child);
}

bool FakeKernel::move(const ike::MoveChildSa& moved) {
    const auto found = installed_.find(moved.child);
    if (found == installed_.end() || refuses_moves)
        return false;
    found->second.child.local_address = moved.path.local.address;
    found->second.child.remote_address = moved.path.remote.address;
    found->second.child.encapsulation = moved.encapsulation;
    return true;
}

std::uint64_t FakeKernel::inbound_packets(policy::ChildSaId child) const {
    const auto found = installed_.find(child);
    return found == installed_.end() ? 0 : found->second.inbound_packets;
}

const InstalledChild* FakeKernel::outbound(const policy::TrafficSelector& local,
                                           const policy::TrafficSelector& remote) const {
    const auto contains = [](const auto& set, const policy::TrafficSelector& each) {
        return std::ranges::any_of(set, [&](const auto& one) { return one.contains(each); });
    };
    const InstalledChild* newest = nullptr;
    for (const auto& [id, entry] : installed_)
        if (entry.outbound && contains(entry.child.local_selectors, local) &&
            contains(entry.child.remote_selectors, remote) &&
            (!newest || newest->outbound_number < entry.outbound_number))
            newest = &entry;
    return newest;
}

bool FakeKernel::receive(policy::ChildSpi spi) {
    for (auto& [id, entry] : installed_) {
        if (entry.inbound && entry.child.inbound_spi == spi) {
            count(entry.child, entry.inbound_packets, entry.inbound);
            return true;
        }
    }
    return false;
}

void FakeKernel::send(policy::ChildSaId child) {
    if (const auto found = installed_.find(child); found != installed_.end())
        count(found->second.child, found->second.outbound_packets, found->second.outbound);
}

void FakeKernel::count(const policy::ChildSa& child, std::uint64_t& packets, bool& present) {
    const auto reaches = [&](const policy::VolumeLimit& limit, std::uint64_t number) {
        return (limit.packets != 0 && number >= limit.packets) ||
               (limit.bytes != 0 && number * packet_octets >= limit.bytes);
    };
    ++packets;
    if (reaches(child.soft_volume, packets) && !reaches(child.soft_volume, packets - 1))
        events_.emplace_back(ike::SoftExpired{child.inbound_spi});
    if (reaches(child.hard_volume, packets)) {
        present = false;
        events_.emplace_back(ike::HardExpired{child.inbound_spi});
    }
}

Gateway::Gateway(policy::ConnectionSet set, std::uint64_t seed, std::string gateway_name,
                 ike::EndpointSettings endpoint_settings)
    : name(std::move(gateway_name)),
      connections(std::move(set)),
      settings(std::move(endpoint_settings)),
      rng(seed_octets(seed, static_cast<std::uint8_t>(name.size()))),
      kernel(name) {
    restart();
}

void Gateway::restart() {
    endpoint.emplace(connections, rng, settings);
    while (!kernel.installed().empty())
        kernel.remove(kernel.installed().begin()->first);
}

TwoGateways::TwoGateways(policy::ConnectionSet left_connections,
                         policy::ConnectionSet right_connections, std::uint64_t run_seed,
                         ike::EndpointSettings settings)
    : left(std::move(left_connections), run_seed, "left", settings),
      right(std::move(right_connections), run_seed, "right", settings),
      rng_(seed_octets(run_seed, 0xfe)) {}

double TwoGateways::draw() {
    std::array<std::uint8_t, 4> octets;
    rng_.randomize(octets);
    const auto number = std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                        std::uint32_t{octets[2]} << 8 | octets[3];
    return number / 4294967296.0;
}

std::optional<policy::UdpPath> TwoGateways::path_at(End receiver,
                                                    const policy::UdpPath& sent) const {
    auto path = reversed(sent);
    if (!nat_address)
        return path;
    if (receiver == End::right) {
        path.remote.address = *nat_address;
        path.remote.port = static_cast<std::uint16_t>(path.remote.port + nat_port_offset);
        return path;
    }
    if (path.local.address != *nat_address || path.local.port < nat_port_offset)
        return std::nullopt;
    path.local.address = left.connections.connections.front().local_address;
    path.local.port = static_cast<std::uint16_t>(path.local.port - nat_port_offset);
    return path;
}

void TwoGateways::launch(End sender, const ike::SendDatagram& datagram) {
    const auto receiver = other(sender);
    const auto path = path_at(receiver, datagram.path);
    auto octets = datagram.octets;
    const bool gone = gone_address && (datagram.path.local.address == *gone_address ||
                                       datagram.path.remote.address == *gone_address);
    const bool lost = cut || gone || !path || draw() < faults.loss || !listens(at(receiver), *path);
    if ((inspect && !inspect(sender, octets)) || lost)
        return;
    const auto spread = static_cast<double>((faults.longest - faults.shortest).count());
    const auto delay =
        faults.shortest + std::chrono::milliseconds(static_cast<std::int64_t>(spread * draw()));
    flights_.push({now_ + delay, ++datagrams_, receiver, *path, std::move(octets)});
}

void TwoGateways::send(End sender, const ike::SendDatagram& datagram) {
    auto& hold = holds_[index(sender)];
    if (hold.holding) {
        hold.datagrams.push_back(datagram);
        return;
    }
    launch(sender, datagram);
    if (draw() < faults.duplication)
        launch(sender, datagram);
}

void TwoGateways::hold(End sender) {
    holds_[index(sender)].holding = true;
}

void TwoGateways::release(End sender) {
    auto& hold = holds_[index(sender)];
    hold.holding = false;
    for (const auto& each : std::exchange(hold.datagrams, {}))
        send(sender, each);
}

void TwoGateways::trace(End end, const ike::Effect& effect) const {
    const auto say = [&](std::string_view what) {
        std::cerr << std::format("{:9.3f} {:5} {}\n",
                                 std::chrono::duration<double>(now_.time_since_epoch()).count(),
                                 end == End::left ? "left" : "right", what);
    };
    const auto about = [&](std::string_view what, const policy::ChildSa& child) {
        say(std::format("{} {} in {:08x} out {:08x}", what, std::to_underlying(child.id),
                        std::to_underlying(child.inbound_spi),
                        std::to_underlying(child.outbound_spi)));
    };
    std::visit(
        ike::Overloaded{
            [&](const ike::InstallChildSa& each) { about("install", each.child); },
            [&](const ike::InstallInboundSa& each) { about("install inbound", each.child); },
            [&](const ike::InstallOutboundSa& each) { about("install outbound", each.child); },
            [&](const ike::RemoveOutboundSa& each) {
                say(std::format("remove outbound {}", std::to_underlying(each.child)));
            },
            [&](const ike::RemoveChildSa& each) {
                say(std::format("remove {}", std::to_underlying(each.child)));
            },
            [&](const ike::Report& each) {
                if (const auto* message = std::get_if<ike::MessageReport>(&each.event))
                    say(std::format("{} {:08x} id {} {}",
                                    message->direction == ike::Direction::sent ? "sent"
                                                                               : "received",
                                    std::to_underlying(message->initiator_spi) >> 32,
                                    std::to_underlying(message->message_id), message->arrow));
                else if (const auto* failed = std::get_if<ike::NegotiationFailed>(&each.event))
                    say(ike::to_string(failed->why));
                else if (const auto* closed = std::get_if<ike::IkeSaClosed>(&each.event))
                    say(std::format("IKE SA {:08x} closed: {}",
                                    std::to_underlying(closed->initiator_spi) >> 32,
                                    ike::to_string(closed->why)));
            },
            [](const auto&) {},
        },
        effect);
}

void TwoGateways::carry_out(End end, const ike::Effect& effect) {
    static const bool traced = std::getenv("VIADUCT_TRACE") != nullptr;
    if (traced)
        trace(end, effect);
    auto& gateway = at(end);
    const auto refused = [&](policy::ChildSaId child, const std::optional<std::string>& why) {
        if (why)
            gateway.endpoint->on_effect_failed(time_of(end),
                                               ike::ChildSaInstallFailed{child, *why});
    };
    std::visit(
        ike::Overloaded{
            [&](const ike::SendDatagram& each) { send(end, each); },
            [&](const ike::InstallChildSa& each) {
                install(end, each.child, FakeKernel::Sides::both);
            },
            [&](const ike::InstallInboundSa& each) {
                install(end, each.child, FakeKernel::Sides::inbound);
            },
            [&](const ike::InstallOutboundSa& each) {
                refused(each.child.id, gateway.kernel.install_outbound(each.child));
            },
            [&](const ike::RemoveOutboundSa& each) { gateway.kernel.remove_outbound(each.child); },
            [&](const ike::MoveChildSa& each) {
                if (!gateway.kernel.move(each))
                    gateway.endpoint->on_kernel_event(time_of(end),
                                                      ike::SoftExpired{each.inbound_spi});
            },
            [&](const ike::ReadTraffic& each) {
                gateway.endpoint->on_kernel_event(
                    time_of(end),
                    ike::TrafficRead{each.child, gateway.kernel.inbound_packets(each.child)});
            },
            [&](const ike::RemoveChildSa& each) { gateway.kernel.remove(each.child); },
            [&](const ike::ResolveName& each) {
                if (const auto found = names.find(each.name); found != names.end())
                    gateway.endpoint->on_command(time_of(end),
                                                 ike::NameResolved{each.name, {found->second}});
            },
            [&](const ike::Report& each) {
                const auto* message = std::get_if<ike::MessageReport>(&each.event);
                if (message && message->direction == ike::Direction::sent)
                    gateway.sent.push_back(message->arrow);
                gateway.reports.push_back(each.event);
            },
        },
        effect);
}

void TwoGateways::install(End end, const policy::ChildSa& child, FakeKernel::Sides sides) {
    auto& gateway = at(end);
    if (const auto why = gateway.kernel.install(child, sides)) {
        gateway.endpoint->on_effect_failed(time_of(end), ike::ChildSaInstallFailed{child.id, *why});
        return;
    }
    for (const auto& [id, entry] : at(other(end)).kernel.installed())
        if (entry.child.inbound_spi == child.outbound_spi)
            for (const auto& each : differences(child, entry.child))
                strangers.push_back(std::format("{}: child {:08x}: {}", gateway.name,
                                                static_cast<std::uint32_t>(child.inbound_spi),
                                                each));
}

void TwoGateways::drain(End end) {
    while (const auto effect = at(end).endpoint->next_effect())
        carry_out(end, *effect);
    if (traffic)
        for (const auto sender : {End::left, End::right})
            offer_packet(sender);
    if (after_step)
        after_step();
    for (const auto each : {End::left, End::right})
        tell_events(each);
}

void TwoGateways::tell_events(End end) {
    for (const auto& event : at(end).kernel.take_events())
        kernel_event(end, event);
}

void TwoGateways::note_lost(std::string what) {
    lost_packets.push_back(std::format(
        "{} at {:.3f}", what, std::chrono::duration<double>(now_.time_since_epoch()).count()));
}

void TwoGateways::offer_packet(End sender) {
    auto& from = at(sender);
    const auto& connection = from.connections.connections.front();
    for (const auto& local : connection.local_selectors) {
        for (const auto& remote : connection.remote_selectors) {
            const auto* sa = from.kernel.outbound(local, remote);
            if (!sa) {
                note_lost(from.name + ": no outbound SA");
                continue;
            }
            from.kernel.send(sa->child.id);
            if (!at(other(sender)).kernel.receive(sa->child.outbound_spi))
                note_lost(std::format("{}: SPI {:08x} is unknown to the peer", from.name,
                                      static_cast<std::uint32_t>(sa->child.outbound_spi)));
        }
    }
}

void TwoGateways::command(End end, const ike::Command& command) {
    at(end).endpoint->on_command(time_of(end), command);
    drain(end);
}

void TwoGateways::kernel_event(End end, const ike::KernelEvent& event) {
    at(end).endpoint->on_kernel_event(time_of(end), event);
    drain(end);
}

void TwoGateways::inject(End receiver, const policy::UdpPath& path,
                         std::vector<std::uint8_t> octets) {
    at(receiver).endpoint->on_datagram(time_of(receiver), path, octets);
    drain(receiver);
}

std::optional<TimePoint> TwoGateways::due(const Gateway& gateway) const {
    const auto deadline = gateway.endpoint->next_deadline();
    if (!deadline)
        return std::nullopt;
    // An endpoint that has not begun yet is due at once.
    return *deadline == TimePoint::min() ? now_ : gateway.clock.until_it_shows(*deadline);
}

bool TwoGateways::step(TimePoint limit) {
    auto next = limit;
    if (!flights_.empty())
        next = std::min(next, flights_.top().arrival);
    for (const auto* gateway : {&left, &right})
        if (const auto deadline = due(*gateway))
            next = std::min(next, *deadline);
    now_ = std::max(now_, next);
    if (next >= limit)
        return false;
    if (!flights_.empty() && flights_.top().arrival <= now_) {
        const auto flight = flights_.top();
        flights_.pop();
        at(flight.receiver)
            .endpoint->on_datagram(time_of(flight.receiver), flight.path, flight.octets);
        drain(flight.receiver);
        return true;
    }
    for (const auto end : {End::left, End::right}) {
        const auto deadline = due(at(end));
        if (deadline && *deadline <= now_) {
            at(end).endpoint->on_deadline(time_of(end));
            drain(end);
        }
    }
    return true;
}

void TwoGateways::run_for(Duration duration) {
    const auto limit = now_ + duration;
    while (step(limit)) {
    }
}

bool TwoGateways::run_until(const std::function<bool()>& condition, Duration limit) {
    const auto end = now_ + limit;
    while (!condition())
        if (!step(end))
            return condition();
    return true;
}

bool TwoGateways::up(const std::string& connection) {
    return status(left, connection).state == ike::ConnectionState::up &&
           status(right, connection).state == ike::ConnectionState::up;
}

std::size_t TwoGateways::children() const {
    std::size_t n = 0;
    for (const auto* gateway : {&left, &right})
        for (const auto& [id, entry] : gateway->kernel.installed())
            n += entry.outbound ? 1u : 0u;
    return n;
}

std::vector<std::string> TwoGateways::disagreements() const {
    std::vector<std::string> out = strangers;
    std::ranges::copy(left.kernel.complaints(), std::back_inserter(out));
    std::ranges::copy(right.kernel.complaints(), std::back_inserter(out));
    const auto compare = [&](const Gateway& here, const Gateway& there) {
        for (const auto& [id, entry] : here.kernel.installed()) {
            const auto& ours = entry.child;
            if (!entry.outbound)
                continue;
            const auto name = std::format("{}: child {:08x}", here.name,
                                          static_cast<std::uint32_t>(ours.inbound_spi));
            const auto found =
                std::ranges::find_if(there.kernel.installed(), [&](const auto& each) {
                    return each.second.child.inbound_spi == ours.outbound_spi;
                });
            if (found == there.kernel.installed().end()) {
                out.push_back(name + " has no partner");
                continue;
            }
            for (const auto& each : differences(ours, found->second.child))
                out.push_back(std::format("{}: {}", name, each));
        }
    };
    compare(left, right);
    compare(right, left);
    return out;
}

ike::ConnectionStatus status(const Gateway& gateway, const std::string& connection) {
    for (auto& each : gateway.endpoint->status().connections)
        if (each.name == connection)
            return each;
    return {};
}

std::vector<ike::IkeSaStatus> ike_sas(const Gateway& gateway, const std::string& connection) {
    auto out = status(gateway, connection).ike_sas;
    std::erase_if(out, [](const auto& each) { return !each.established; });
    return out;
}

std::vector<ike::ChildSaStatus> child_sas(const Gateway& gateway, const std::string& connection) {
    std::vector<ike::ChildSaStatus> out;
    for (auto& sa : ike_sas(gateway, connection))
        std::ranges::move(sa.children, std::back_inserter(out));
    return out;
}

std::optional<ike::Cause> last_failure(const Gateway& gateway) {
    std::optional<ike::Cause> last;
    for (const auto& each : gateway.reports)
        if (const auto* failed = std::get_if<ike::NegotiationFailed>(&each))
            last = failed->why;
    return last;
}

} // namespace viaduct::simulation
