#include "ike/child_spi_table.h"

#include <array>

namespace viaduct::ike {

policy::ChildSpi ChildSpiTable::draw(Botan::RandomNumberGenerator& rng) {
    for (;;) {
        std::array<std::uint8_t, 4> octets;
        rng.randomize(octets);
        const std::uint32_t spi = std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                                  std::uint32_t{octets[2]} << 8 | octets[3];
        if (spi > 255 && in_use_.try_emplace(policy::ChildSpi{spi}).second)
            return policy::ChildSpi{spi};
    }
}

void ChildSpiTable::release(policy::ChildSpi spi) {
    const auto found = in_use_.find(spi);
    if (found == in_use_.end())
        return;
    spis_.erase(found->second.child);
    in_use_.erase(found);
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
