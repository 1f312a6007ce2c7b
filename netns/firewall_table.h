// Viaduct's own nftables table in a router: `table inet viaduct`. Other tables are never touched.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"
#include "netns/nft/ruleset_transaction.h"
#include "policy/firewall_rules.h"

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace viaduct::netns {

class FirewallTable {
public:
    /// Touches nothing yet. Where the kernel does not know owners of tables, there is none.
    static std::expected<FirewallTable, SystemError> open(const NetworkNamespace& router,
                                                          nft::TableOwner owner);
    /// Over a kernel of a test's own.
    FirewallTable(std::unique_ptr<NetlinkExchange> kernel, nft::TableOwner owner)
        : kernel_(std::move(kernel)), owner_(owner) {}

    /// Makes the table say this. Where it is known what the table holds, only the difference is
    /// sent, in one transaction; else the whole table is replaced, whatever was there under our
    /// name, and there is no moment at which packets find neither the old nor the new one. The
    /// counters go on in both cases, but for what is dropped while a second table stands in: where
    /// the table is replaced, or pairs give way to others that overlap them.
    std::expected<void, SystemError> install(const policy::FirewallRules& rules);
    /// Segments between these pairs, in both directions, are clamped from now on; not between
    /// others. Without a table nothing happens before install().
    std::expected<void, SystemError> clamp(const std::vector<policy::ClampedPair>& pairs);
    /// Whether this notification (NFNLGRP_NFTABLES, from this router's namespace) says that
    /// somebody else changed the table.
    bool is_foreign_change(std::span<const std::uint8_t> notification) const;
    /// Somebody else may have changed the table: the next install() or clamp() replaces it.
    void distrust() { trusted_ = false; }
    /// Whether the table holds what install() and clamp() made last, as far as we know: not after
    /// one of them has failed.
    bool is_trusted() const { return trusted_; }
    /// Takes it away; no failure when it is not there.
    std::expected<void, SystemError> remove();

    /// Notes in the table that its router was given up. Fails with ENOENT when there is no table.
    std::expected<void, SystemError> mark_abandoned();
    /// Whether that was noted, by somebody who had the table before. From now on the note stays
    /// when the table is replaced. What the kernel does not say is not known, and an error.
    std::expected<bool, SystemError> is_marked_abandoned();
    std::expected<void, SystemError> unmark_abandoned();
    /// Whether a table of our name is there, whatever it holds.
    std::expected<bool, SystemError> is_present();
    /// What the guard has dropped since the table was first made. Fails with ENOENT when there is
    /// no table.
    std::expected<policy::GuardCounters, SystemError> counters();

private:
    std::expected<void, SystemError> make(nft::TableContents wanted);
    /// False where the table is not what we believe it to be.
    bool update(const nft::TableContents& before, const nft::TableContents& wanted);
    std::expected<void, SystemError> replace(const nft::TableContents& wanted);
    /// With the owner that the kernel can give it.
    std::expected<void, SystemError> put(const char* name, const nft::TableContents& wanted,
                                         const policy::GuardCounters& counted);
    std::expected<void, SystemError> remove_bridge();
    std::expected<void, SystemError> run(std::vector<NetlinkMessage> transaction);

    std::unique_ptr<NetlinkExchange> kernel_;
    nft::TableOwner owner_;
    /// What was made last.
    std::optional<nft::TableContents> made_;
    /// Whether the table still holds it, as far as we know.
    bool trusted_ = false;
    /// One was asked for, and its removal was not confirmed.
    bool bridge_may_stand_ = false;
    std::vector<policy::ClampedPair> clamped_;
    bool abandoned_ = false;
    /// As last read, for a table that somebody has deleted.
    policy::GuardCounters counted_;
};

} // namespace viaduct::netns
