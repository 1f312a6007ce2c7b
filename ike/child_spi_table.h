// The ESP SPIs, child SA names and reqids of one router, and which IKE SA each child belongs to.
#pragma once

#include "ike/input.h"
#include "ike/wire/numbers.h"
#include "policy/child_sa.h"
#include "policy/traffic_selector.h"

#include <botan/rng.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace viaduct::ike {

/// Inbound SPIs are drawn here and not by the kernel: asking the kernel costs a search of all its
/// states and a call outward in the middle of an exchange.
class ChildSpiTable {
public:
    /// An SPI that no other child SA of the router uses, outside the reserved range 0 to 255
    /// (RFC 4303 section 2.1).
    policy::ChildSpi draw(Botan::RandomNumberGenerator& rng);
    /// Frees the SPI and forgets the child that has it, with its use of a reqid.
    void release(policy::ChildSpi spi);
    /// The same for an SPI that the peer knows: until it has closed its side too, which it may hear
    /// of late, the SPI is not drawn again (RFC 7296 section 1.4.1).
    void retire(policy::ChildSpi spi, TimePoint now);
    policy::ChildSaId next_id() { return policy::ChildSaId{++last_id_}; }
    std::size_t size() const { return in_use_.size(); }
    /// What the kernel knows the child SAs of a connection with these selectors by: our mark in the
    /// high octet, never 0, the same as long as one of them lives. Children with other selectors
    /// have another, since the kernel takes the newest state of a reqid whatever it protects.
    std::uint32_t reqid(policy::ChildSaId child, const std::string& connection,
                        std::vector<policy::TrafficSelector> local,
                        std::vector<policy::TrafficSelector> remote);

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
    /// Retired, the oldest first.
    std::deque<std::pair<TimePoint, policy::ChildSpi>> retired_;
    std::unordered_set<policy::ChildSpi> resting_;
    std::unordered_map<policy::ChildSaId, policy::ChildSpi> spis_;
    struct Protected {
        std::string connection;
        std::vector<policy::TrafficSelector> local;
        std::vector<policy::TrafficSelector> remote;
        friend auto operator<=>(const Protected&, const Protected&) = default;
    };
    struct Reqid {
        std::uint32_t number = 0;
        std::size_t children = 0;
    };
    using Reqids = std::map<Protected, Reqid>;
    void release_reqid(policy::ChildSaId child);

    Reqids reqids_;
    std::unordered_map<policy::ChildSaId, Reqids::iterator> reqid_of_;
    std::unordered_set<std::uint32_t> reqid_numbers_;
    std::uint32_t last_reqid_ = 0;
    std::uint64_t last_id_ = 0;
};

} // namespace viaduct::ike
