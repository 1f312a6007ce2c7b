#include "xfrm/trap_table.h"

#include "policy/wanted_interface.h"

#include <algorithm>
#include <set>
#include <utility>

namespace viaduct::xfrm {
namespace {

using policy::ChildSa;
using policy::ChildSaId;

bool is_same_trap(ChildSa one, const ChildSa& other) {
    one.id = other.id;
    one.reqid = other.reqid;
    return one == other;
}

ChildSaId id_of(std::uint32_t number) {
    return ChildSaId{trap_id_bit | number};
}

std::uint32_t reqid_of(std::uint32_t number) {
    return policy::reqid_mark | policy::trap_reqid_bit | number;
}

} // namespace

ChildSa trapping_child(const policy::Trap& trap, const policy::Connection& connection) {
    ChildSa child;
    child.connection = trap.connection;
    child.if_id = policy::interface_id(connection);
    child.local_address = connection.local_address;
    const auto* const peer = std::get_if<policy::IpAddress>(&connection.peer_address);
    child.remote_address =
        peer != nullptr ? *peer : policy::IpAddress::unspecified(connection.local_address.family());
    child.mode = connection.esp.mode;
    child.local_selectors = trap.selectors.local;
    child.remote_selectors = trap.selectors.remote;
    return child;
}

TrapTable::Changes TrapTable::replace(const policy::ConnectionSet& connections) {
    std::set<std::uint32_t> kept;
    std::vector<Entry> fresh;
    for (policy::Trap& trap : policy::traps(connections)) {
        auto child = trapping_child(trap, *connections.find(trap.connection));
        const auto found = std::ranges::find_if(entries_, [&](const auto& entry) {
            return !kept.contains(entry.first) && is_same_trap(entry.second.child, child);
        });
        if (found != entries_.end()) {
            kept.insert(found->first);
        } else {
            fresh.push_back({std::move(trap), std::move(child)});
        }
    }
    Changes changes;
    std::erase_if(entries_, [&](const auto& entry) {
        const bool gone = !kept.contains(entry.first);
        if (gone) {
            changes.removed.push_back(entry.second.child.id);
        }
        return gone;
    });
    for (Entry& entry : fresh) {
        const auto number = draw_number();
        entry.child.id = id_of(number);
        entry.child.reqid = reqid_of(number);
        changes.added.push_back(entry.child);
        entries_.emplace(number, std::move(entry));
    }
    return changes;
}

std::uint32_t TrapTable::draw_number() {
    do {
        last_number_ = last_number_ % policy::trap_number_mask + 1;
    } while (entries_.contains(last_number_));
    return last_number_;
}

void TrapTable::forget(ChildSaId trap) {
    entries_.erase(static_cast<std::uint32_t>(std::to_underlying(trap) & policy::trap_number_mask));
}

const policy::Trap* TrapTable::find(std::uint32_t reqid) const {
    if (!policy::is_trap_reqid(reqid)) {
        return nullptr;
    }
    const auto entry = entries_.find(reqid & policy::trap_number_mask);
    return entry == entries_.end() ? nullptr : &entry->second.trap;
}

} // namespace viaduct::xfrm
