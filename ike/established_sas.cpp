#include "ike/established_sas.h"

namespace viaduct::ike {

void EstablishedSas::add(wire::IkeSpi spi, const policy::Identity& peer) {
    if (peers_.emplace(spi, peer).second)
        by_peer_.emplace(peer, spi);
}

void EstablishedSas::erase(wire::IkeSpi spi) {
    const auto found = peers_.find(spi);
    if (found == peers_.end())
        return;
    const auto [first, last] = by_peer_.equal_range(found->second);
    for (auto each = first; each != last; ++each) {
        if (each->second == spi) {
            by_peer_.erase(each);
            break;
        }
    }
    peers_.erase(found);
}

void EstablishedSas::replace(wire::IkeSpi spi, wire::IkeSpi successor) {
    const auto found = peers_.find(spi);
    if (found == peers_.end())
        return;
    const auto peer = found->second;
    erase(spi);
    add(successor, peer);
}

void EstablishedSas::take_peer_of(wire::IkeSpi spi, wire::IkeSpi successor) {
    const auto found = peers_.find(successor);
    if (found == peers_.end() || !peers_.contains(spi))
        return;
    const auto peer = found->second;
    erase(spi);
    add(spi, peer);
}

std::size_t EstablishedSas::peers() const {
    std::size_t count = 0;
    for (auto each = by_peer_.begin(); each != by_peer_.end();
         each = by_peer_.upper_bound(each->first))
        ++count;
    return count;
}

std::vector<wire::IkeSpi> EstablishedSas::all() const {
    std::vector<wire::IkeSpi> out;
    out.reserve(peers_.size());
    for (const auto& [peer, spi] : by_peer_)
        out.push_back(spi);
    return out;
}

std::vector<wire::IkeSpi> EstablishedSas::with(const policy::Identity& peer) const {
    std::vector<wire::IkeSpi> out;
    const auto [first, last] = by_peer_.equal_range(peer);
    for (auto each = first; each != last; ++each)
        out.push_back(each->second);
    return out;
}

std::vector<wire::IkeSpi> EstablishedSas::beside(wire::IkeSpi spi) const {
    const auto found = peers_.find(spi);
    if (found == peers_.end())
        return {};
    auto out = with(found->second);
    std::erase(out, spi);
    return out;
}

} // namespace viaduct::ike
