#include "netns/firewall_table.h"

#include "netns/nft/rule_message.h"
#include "netns/nft/ruleset_notification.h"

#include <cerrno>
#include <linux/netlink.h>
#include <string_view>
#include <utility>

namespace viaduct::netns {
namespace {

/// Adds what a bare error number does not tell.
SystemError explained(SystemError error) {
    if (error.kernel_message.empty() && (error.code == ENOENT || error.code == EOPNOTSUPP)) {
        if (error.what.ends_with("of type nat")) {
            error.kernel_message =
                "this kernel has no NAT chains in the inet family: nft_chain_nat, nf_nat";
        } else if (error.what.ends_with("transaction")) {
            error.kernel_message = "this kernel has no nftables: nf_tables";
        } else {
            error.kernel_message = "this kernel lacks an nftables expression or set type";
        }
    }
    return error;
}

/// Where there is no nftables at all, there is no table either.
std::expected<void, SystemError> unless_absent(std::expected<void, SystemError> removed) {
    const bool absent =
        !removed && (removed.error().code == ENOENT || removed.error().code == EOPNOTSUPP);
    return absent ? std::expected<void, SystemError>() : removed;
}

/// Pairs as sources and destinations: what travels between them in either direction.
std::vector<policy::ClampedPair> in_both_directions(const std::vector<policy::ClampedPair>& pairs) {
    std::vector<policy::ClampedPair> result;
    result.reserve(2 * pairs.size());
    for (const policy::ClampedPair& clamped : pairs) {
        const policy::ProtectedPair& pair = clamped.pair;
        result.push_back(clamped);
        result.push_back({{pair.remote_start, pair.remote_end, pair.local_start, pair.local_end},
                          clamped.segment});
    }
    return result;
}

/// The table's rules are the same; elements of its sets may differ.
bool have_same_rules(const policy::FirewallRules& one, const policy::FirewallRules& other) {
    return one.ike_port == other.ike_port && one.nat_port == other.nat_port &&
           one.tunnel_interfaces == other.tunnel_interfaces &&
           one.packets_wait == other.packets_wait;
}

} // namespace

std::expected<FirewallTable, SystemError> FirewallTable::open(const NetworkNamespace& router,
                                                              nft::TableOwner owner) {
    return NetlinkSocket::open(router, NETLINK_NETFILTER)
        .transform([owner](NetlinkSocket&& socket) {
            return FirewallTable(std::make_unique<NetlinkSocket>(std::move(socket)), owner);
        });
}

std::expected<void, SystemError> FirewallTable::install(const policy::FirewallRules& rules) {
    return make({rules, clamped_, abandoned_});
}

std::expected<void, SystemError>
FirewallTable::clamp(const std::vector<policy::ClampedPair>& pairs) {
    clamped_ = policy::cut_apart(in_both_directions(pairs));
    return made_ ? make({made_->rules, clamped_, abandoned_}) : std::expected<void, SystemError>();
}

std::expected<void, SystemError> FirewallTable::make(nft::TableContents wanted) {
    const bool known = std::exchange(trusted_, false);
    if (!known || !have_same_rules(wanted.rules, made_->rules) || !update(*made_, wanted)) {
        // So that the new counters begin where the old ones end.
        static_cast<void>(counters());
        if (const auto replaced = replace(wanted); !replaced) {
            return replaced.transform_error(explained);
        }
    }
    made_ = std::move(wanted);
    trusted_ = true;
    return {};
}

bool FirewallTable::update(const nft::TableContents& before, const nft::TableContents& wanted) {
    nft::TableContents bridge{wanted.rules};
    bridge.rules.guarded = nft::open_meanwhile(before, wanted);
    if (bridge.rules.guarded.empty()) {
        return run(nft::update_transaction(before, wanted)).has_value();
    }
    // What fails here is replaced whole, and a bridge that stays until then.
    return put(nft::bridge_name, bridge, {}).has_value() &&
           run(nft::update_transaction(before, wanted)).has_value() && remove_bridge().has_value();
}

std::expected<void, SystemError> FirewallTable::replace(const nft::TableContents& wanted) {
    std::expected<void, SystemError> replaced;
    if (is_present().value_or(true)) {
        replaced = put(nft::bridge_name, wanted, {});
    }
    if (replaced) {
        replaced = put(nft::table_name, wanted, counted_);
    }
    // Whatever became of the other: the bridge is for a moment, also that of an update that did not
    // come to its end.
    if (bridge_may_stand_) {
        auto removed = remove_bridge();
        return replaced ? removed : replaced;
    }
    return replaced;
}

std::expected<void, SystemError> FirewallTable::put(const char* name,
                                                    const nft::TableContents& wanted,
                                                    const policy::GuardCounters& counted) {
    bridge_may_stand_ = bridge_may_stand_ || std::string_view(name) == nft::bridge_name;
    auto done = run(nft::install_transaction(name, wanted, counted, owner_));
    if (done || owner_ == nft::TableOwner::none || done.error().code != EOPNOTSUPP) {
        return done;
    }
    auto without_owner =
        run(nft::install_transaction(name, wanted, counted, nft::TableOwner::none));
    if (without_owner) {
        owner_ = nft::TableOwner::none;
    }
    return without_owner;
}

std::expected<void, SystemError> FirewallTable::remove_bridge() {
    auto removed = run(nft::remove_bridge_transaction());
    bridge_may_stand_ = bridge_may_stand_ && !removed;
    return removed;
}

bool FirewallTable::is_foreign_change(std::span<const std::uint8_t> notification) const {
    const auto changer = nft::changed_our_table(notification);
    return changer && *changer != kernel_->port();
}

std::expected<void, SystemError> FirewallTable::remove() {
    made_.reset();
    trusted_ = false;
    counted_ = {};
    // Of a daemon that was killed while it replaced the table.
    auto bridge = unless_absent(remove_bridge());
    auto removed = unless_absent(run(nft::remove_transaction()));
    return removed ? bridge : removed;
}

std::expected<void, SystemError> FirewallTable::mark_abandoned() {
    auto marked = run(nft::mark_transaction());
    abandoned_ = abandoned_ || marked;
    return marked;
}

std::expected<bool, SystemError> FirewallTable::is_marked_abandoned() {
    const auto looked = run(nft::look_up_mark());
    if (const auto known = unless_absent(looked); !known) {
        return std::unexpected(known.error());
    }
    abandoned_ = looked.has_value();
    return abandoned_;
}

std::expected<void, SystemError> FirewallTable::unmark_abandoned() {
    abandoned_ = false;
    if (made_) {
        made_->abandoned = false;
    }
    auto unmarked = run(nft::unmark_transaction());
    // A table that keeps the mark is not what it is to be.
    trusted_ = trusted_ && unmarked;
    return unmarked;
}

std::expected<bool, SystemError> FirewallTable::is_present() {
    auto result = run(nft::look_up());
    if (result) {
        return true;
    }
    return result.error().code == ENOENT ? std::expected<bool, SystemError>(false)
                                         : std::unexpected(result.error());
}

std::expected<policy::GuardCounters, SystemError> FirewallTable::counters() {
    auto requests = nft::look_up_counters();
    const auto answers = kernel_->exchange(requests);
    std::vector<nft::Count> counts;
    for (const NetlinkAnswer& answer : answers) {
        if (!answer) {
            return std::unexpected(answer.error());
        }
        const auto count = nft::read_counter(*answer);
        if (!count) {
            return std::unexpected(SystemError{EBADMSG, "counter of table inet viaduct", {}});
        }
        counts.push_back(*count);
    }
    counted_ = {counts.at(0).packets, counts.at(0).bytes, counts.at(1).packets, counts.at(1).bytes};
    return counted_;
}

/// The first request that failed says more than those behind it. A failed commit is reported for
/// the transaction's first message.
std::expected<void, SystemError> FirewallTable::run(std::vector<NetlinkMessage> transaction) {
    for (const NetlinkAnswer& answer : kernel_->exchange(transaction)) {
        if (!answer) {
            return std::unexpected(answer.error());
        }
    }
    return {};
}

} // namespace viaduct::netns
