#include "ike/half_open_guard.h"

#include <algorithm>

namespace viaduct::ike {

HalfOpenGuard::Verdict HalfOpenGuard::judge(const policy::IpAddress& peer) const {
    const auto of_address = count_of(peer);
    if (count() >= limit_ || of_address >= limit_per_address_)
        return Verdict::drop;
    if (count() >= cookie_threshold_ || of_address >= cookie_threshold_per_address_)
        return Verdict::admit_with_cookie;
    return Verdict::admit;
}

bool HalfOpenGuard::has_room_without_cookie(const policy::IpAddress& peer) const {
    static const EndpointSettings usual;
    return count() < std::min(limit_, usual.cookie_threshold) &&
           count_of(peer) < std::min(limit_per_address_, usual.cookie_threshold_per_address);
}

std::size_t HalfOpenGuard::count_of(const policy::IpAddress& peer) const {
    const auto found = by_address_.find(peer);
    return found == by_address_.end() ? 0 : found->second;
}

void HalfOpenGuard::add(const policy::UdpEndpoint& peer, wire::IkeSpi peer_spi,
                        wire::IkeSpi own_spi) {
    if (by_request_.insert_or_assign({peer, peer_spi}, own_spi).second)
        ++by_address_[peer.address];
}

void HalfOpenGuard::remove(const policy::UdpEndpoint& peer, wire::IkeSpi peer_spi,
                           wire::IkeSpi own_spi) {
    const auto found = by_request_.find({peer, peer_spi});
    if (found == by_request_.end() || found->second != own_spi)
        return;
    by_request_.erase(found);
    const auto of_address = by_address_.find(peer.address);
    if (--of_address->second == 0)
        by_address_.erase(of_address);
}

void HalfOpenGuard::clear() {
    by_request_.clear();
    by_address_.clear();
}

std::optional<wire::IkeSpi> HalfOpenGuard::find(const policy::UdpEndpoint& peer,
                                                wire::IkeSpi peer_spi) const {
    const auto found = by_request_.find({peer, peer_spi});
    return found == by_request_.end() ? std::nullopt : std::optional(found->second);
}

} // namespace viaduct::ike
