// The IKE SAs of one connection that are established, by our SPI and by who the peer is.
#pragma once

#include "ike/wire/numbers.h"
#include "policy/identity.h"

#include <map>
#include <unordered_map>
#include <vector>

namespace viaduct::ike {

class EstablishedSas {
public:
    void add(wire::IkeSpi spi, const policy::Identity& peer);
    /// Nothing happens when it is not there.
    void erase(wire::IkeSpi spi);
    /// An IKE rekey: the one takes the place of the other.
    void replace(wire::IkeSpi spi, wire::IkeSpi successor);
    /// The peer of `spi` is that of `successor`, which calls itself otherwise by now.
    void take_peer_of(wire::IkeSpi spi, wire::IkeSpi successor);
    bool contains(wire::IkeSpi spi) const { return peers_.contains(spi); }
    bool empty() const { return peers_.empty(); }
    std::size_t size() const { return peers_.size(); }
    /// How many different ones.
    std::size_t peers() const;
    std::vector<wire::IkeSpi> all() const;
    std::vector<wire::IkeSpi> with(const policy::Identity& peer) const;
    /// The others with the same peer.
    std::vector<wire::IkeSpi> beside(wire::IkeSpi spi) const;

private:
    std::unordered_map<wire::IkeSpi, policy::Identity> peers_;
    std::multimap<policy::Identity, wire::IkeSpi> by_peer_;
};

} // namespace viaduct::ike
