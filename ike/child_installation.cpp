#include "ike/child_installation.h"

#include "ike/lifetime.h"
#include "ike/peer_address.h"
#include "policy/wanted_interface.h"

namespace viaduct::ike {

namespace {

policy::ChildSa child_sa(Turn& turn, const IkeSaFacts& facts, const policy::Connection& connection,
                         NewChild made) {
    const auto id = turn.child_spis.next_id();
    const auto volume = made.volume.value_or(connection.esp.volume);
    policy::ChildSa child{
        .id = id,
        .connection = connection.name,
        .reqid = turn.child_spis.reqid(id, connection.name, made.selectors.local(),
                                       made.selectors.remote()),
        .if_id = policy::interface_id(connection),
        .local_address = facts.path.local.address,
        .remote_address = facts.path.remote.address,
        .inbound_spi = made.inbound_spi,
        .outbound_spi = made.outbound_spi,
        .suite = policy::installed_suite(made.suite, connection.esp),
        .inbound_keys = std::move(made.inbound_keys),
        .outbound_keys = std::move(made.outbound_keys),
        .replay_window = connection.esp.replay_window,
        .mode = made.mode,
        .header = connection.esp.header,
        .offload = connection.esp.offload,
        .local_selectors = made.selectors.local(),
        .remote_selectors = made.selectors.remote(),
        .lifetime = made.lifetime,
        .soft_volume = soft_volume(volume, made.lifetime, connection.esp.rekey, turn.rng),
        .hard_volume = volume,
    };
    if (facts.nat.found())
        child.encapsulation = {.local_port = facts.path.local.port,
                               .remote_port = facts.path.remote.port};
    if (turn.settings.kernel_sends_keepalives && needs_keepalives(facts))
        child.nat_keepalive = connection.nat_traversal.keepalive;
    return child;
}

} // namespace

ChildState install(Turn& turn, const IkeSaFacts& facts, const policy::Connection& connection,
                   NewChild made) {
    const auto lifetime = lifetime_from(turn.now, made.lifetime, connection.esp.rekey, turn.rng);
    auto wanted = std::move(made.wanted);
    const auto predecessor = made.predecessor;
    const bool waits = made.outbound_waits;
    auto child = child_sa(turn, facts, connection, std::move(made));
    ChildState state{.id = child.id,
                     .inbound_spi = child.inbound_spi,
                     .outbound_spi = child.outbound_spi,
                     .suite = child.suite,
                     .mode = child.mode,
                     .local_selectors = child.local_selectors,
                     .remote_selectors = child.remote_selectors,
                     .encapsulation = child.encapsulation,
                     .path = facts.path,
                     .kernel_keepalive = child.nat_keepalive.count() > 0,
                     .wanted = std::move(wanted),
                     .established = turn.now,
                     .volume = child.hard_volume,
                     .replace_at = lifetime.replace_at,
                     .expire_at = lifetime.expire_at,
                     .predecessor = predecessor};
    turn.child_spis.assign(child.inbound_spi, child.id, facts.own_spi());
    if (waits) {
        state.waiting_outbound = child;
        turn.effects.emplace_back(InstallInboundSa{std::move(child)});
    } else {
        turn.effects.emplace_back(InstallChildSa{std::move(child)});
    }
    turn.report(ChildSaEstablished{connection.name, state.id, state.inbound_spi, state.outbound_spi,
                                   state.suite, state.mode, state.local_selectors,
                                   state.remote_selectors});
    return state;
}

void remove_child(Turn& turn, const std::string& connection, const ChildState& child, Cause why) {
    turn.effects.emplace_back(RemoveChildSa{child.id});
    turn.child_spis.retire(child.inbound_spi, turn.now);
    turn.report(
        ChildSaClosed{connection, child.id, child.inbound_spi, child.outbound_spi, std::move(why)});
}

void take_outbound_out(Turn& turn, ChildState& child) {
    if (!child.waiting_outbound)
        turn.effects.emplace_back(RemoveOutboundSa{child.id});
    child.waiting_outbound.reset();
}

void retire(Turn& turn, const std::string& connection, const ChildState& gone, Cause why,
            std::chrono::seconds time) {
    turn.retired.emplace(turn.now + time, RetiredChild{gone.id, gone.inbound_spi});
    turn.report(
        ChildSaClosed{connection, gone.id, gone.inbound_spi, gone.outbound_spi, std::move(why)});
}

} // namespace viaduct::ike
