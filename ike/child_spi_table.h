// The ESP SPIs and child SA names of one router, and which IKE SA each child belongs to.
#pragma once

#include "ike/wire/numbers.h"
#include "policy/child_sa.h"

#include <botan/rng.h>

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace viaduct::ike {

/// Inbound SPIs are drawn here and not by the kernel: asking the kernel costs a search of all its
/// states and a call outward in the middle of an exchange.
class ChildSpiTable {
public:
    /// An SPI that no other child SA of the router uses, outside the reserved range 0 to 255
    /// (RFC 4303 section 2.1).
    policy::ChildSpi draw(Botan::RandomNumberGenerator& rng);
    /// Frees the SPI and forgets the child that has it.
    void release(policy::ChildSpi spi);
    policy::ChildSaId next_id() { return policy::ChildSaId{++last_id_}; }
    std::size_t size() const { return in_use_.size(); }

    /// The child with this SPI belongs to the IKE SA with our SPI `owner` from now on.
    void assign(policy::ChildSpi spi, policy::ChildSaId child, wire::IkeSpi owner);
    /// Our SPI of the IKE SA that a child belongs to.
    std::optional<wire::IkeSpi> owner(policy::ChildSpi spi) const;
    std::optional<wire::IkeSpi> owner(policy::ChildSaId child) const;

private:
    struct Use {
        policy::ChildSaId child{};
        wire::IkeSpi owner{};
    };
    std::unordered_map<policy::ChildSpi, Use> in_use_;
    std::unordered_map<policy::ChildSaId, policy::ChildSpi> spis_;
    std::uint64_t last_id_ = 0;
};

} // namespace viaduct::ike
