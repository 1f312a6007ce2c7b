#include "ike/child_spi_table.h"

#include "policy/trap.h"

#include <algorithm>
#include <array>
#include <utility>

namespace viaduct::ike {

namespace {

/// Longer than a Delete is repeated and may wait behind another request.
constexpr auto rest = std::chrono::minutes(10);

} // namespace

policy::ChildSpi ChildSpiTable::draw(Botan::RandomNumberGenerator& rng) {
    for (;;) {
        std::array<std::uint8_t, 4> octets;
        rng.randomize(octets);
        const std::uint32_t spi = std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                                  std::uint32_t{octets[2]} << 8 | octets[3];
        if (spi > 255 && !resting_.contains(policy::ChildSpi{spi}) &&
            in_use_.try_emplace(policy::ChildSpi{spi}).second)
            return policy::ChildSpi{spi};
    }
}

void ChildSpiTable::release(policy::ChildSpi spi) {
    const auto found = in_use_.find(spi);
    if (found == in_use_.end())
        return;
    spis_.erase(found->second.child);
    release_reqid(found->second.child);
    in_use_.erase(found);
}

void ChildSpiTable::retire(policy::ChildSpi spi, TimePoint now) {
    release(spi);
    for (; !retired_.empty() && retired_.front().first + rest <= now; retired_.pop_front())
        resting_.erase(retired_.front().second);
    if (resting_.insert(spi).second)
        retired_.emplace_back(now, spi);
}

std::uint32_t ChildSpiTable::reqid(policy::ChildSaId child, const std::string& connection,
                                   std::vector<policy::TrafficSelector> local,
                                   std::vector<policy::TrafficSelector> remote) {
    std::ranges::sort(local);
    std::ranges::sort(remote);
    const auto [found, is_new] =
        reqids_.try_emplace({connection, std::move(local), std::move(remote)});
    if (is_new) {
        do
            last_reqid_ = last_reqid_ % policy::trap_number_mask + 1;
        while (!reqid_numbers_.insert(policy::reqid_mark | last_reqid_).second);
        found->second.number = policy::reqid_mark | last_reqid_;
    }
    ++found->second.children;
    reqid_of_.emplace(child, found);
    return found->second.number;
}

void ChildSpiTable::release_reqid(policy::ChildSaId child) {
    const auto use = reqid_of_.find(child);
    if (use == reqid_of_.end())
        return;
    const auto found = use->second;
    reqid_of_.erase(use);
    if (--found->second.children > 0)
        return;
    reqid_numbers_.erase(found->second.number);
    reqids_.erase(found);
}

void ChildSpiTable::assign(policy::ChildSpi spi, policy::ChildSaId child, wire::IkeSpi owner) {
    in_use_[spi] = {child, owner};
    spis_[child] = spi;
}

std::optional<wire::IkeSpi> ChildSpiTable::owner(policy::ChildSpi spi) const {
    const auto found = in_use_.find(spi);
    if (found == in_use_.end() || found->second.owner == wire::IkeSpi{})
        return std::nullopt;
    return found->second.owner;
}

std::optional<wire::IkeSpi> ChildSpiTable::owner(policy::ChildSaId child) const {
    const auto found = spis_.find(child);
    return found == spis_.end() ? std::nullopt : owner(found->second);
}

} // namespace viaduct::ike
