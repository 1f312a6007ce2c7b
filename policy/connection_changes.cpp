#include "policy/connection_changes.h"

#include "policy/connection_index.h"

namespace viaduct::policy {

namespace {

/// What is read whenever it is needed, or concerns only what does not exist yet.
void take_in_place(Connection& to, const Connection& from) {
    to.ike.name = from.ike.name;
    to.ike.first_contact = from.ike.first_contact;
    to.ike.retransmission = from.ike.retransmission;
    to.ike.childless = from.ike.childless;
    to.ike.fragmentation = from.ike.fragmentation;
    to.esp.name = from.esp.name;
    to.start = from.start;
    to.dpd = from.dpd;
    to.close = from.close;
    to.unique = from.unique;
    to.nat_traversal.keepalive = from.nat_traversal.keepalive;
    to.mtu = from.mtu;
    to.leak_guard = from.leak_guard;
    if (to.interface && from.interface && to.interface->name == from.interface->name)
        to.interface = from.interface;
}

/// What a child SA gets when it is made, its selectors apart.
void take_children(Connection& to, const Connection& from) {
    to.esp = from.esp;
    to.interface = from.interface;
}

/// What an IKE SA gets when it is made, its authentication apart.
void take_ike_sas(Connection& to, const Connection& from) {
    to.ike.proposals = from.ike.proposals;
    to.ike.lifetime = from.ike.lifetime;
    to.ike.rekey = from.ike.rekey;
}

bool equal_but_for_policy_names(Connection before, const Connection& after) {
    before.ike.name = after.ike.name;
    before.esp.name = after.esp.name;
    return before == after;
}

} // namespace

std::string SaChanges::to_string() const {
    std::string text = rekey_children ? "child SAs rekeyed" : "in place";
    if (new_ike_sas)
        text = "new IKE SA";
    else if (rekey_ike_sas)
        text = rekey_children ? "IKE SA and child SAs rekeyed" : "IKE SA rekeyed";
    return drops_packets ? text + ", packets under way are lost" : text;
}

SaChanges changes_to_sas(const Connection& before, const Connection& after) {
    Connection now = before;
    take_in_place(now, after);
    if (now == after)
        return {};
    Connection rekeyed = now;
    take_children(rekeyed, after);
    const bool children = rekeyed != now;
    const Connection without_ike = rekeyed;
    take_ike_sas(rekeyed, after);
    const bool ike = rekeyed != without_ike;
    const bool other_mode = before.esp.mode != after.esp.mode;
    if (rekeyed != after)
        return {.new_ike_sas = true, .drops_packets = other_mode};
    return {.rekey_children = children, .rekey_ike_sas = ike, .drops_packets = other_mode};
}

ConnectionChanges compare(const ConnectionSet& before, const ConnectionSet& after) {
    ConnectionChanges changes;
    const ConnectionIndex old_ones(before), new_ones(after);
    for (const auto& connection : before.connections) {
        if (!new_ones.find(connection.name))
            changes.removed.push_back(connection.name);
    }
    for (const auto& connection : after.connections) {
        const auto found = old_ones.find(connection.name);
        if (!found) {
            changes.added.push_back(connection.name);
            continue;
        }
        const auto& old = before.connections[*found];
        if (equal_but_for_policy_names(old, connection))
            changes.kept.push_back(connection.name);
        else
            changes.changed.push_back({connection.name, changes_to_sas(old, connection)});
    }
    return changes;
}

ConnectionChanges unchanged(const ConnectionSet& set) {
    ConnectionChanges changes;
    changes.kept.reserve(set.connections.size());
    for (const auto& connection : set.connections)
        changes.kept.push_back(connection.name);
    return changes;
}

} // namespace viaduct::policy
