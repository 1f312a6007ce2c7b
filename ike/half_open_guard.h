// How many half-open IKE SAs a router keeps as responder, in all and for one address, which request
// each came from, and from when on a new one has to show a cookie.
#pragma once

#include "ike/settings.h"
#include "ike/wire/numbers.h"
#include "policy/ip_address.h"

#include <map>
#include <optional>
#include <utility>

namespace viaduct::ike {

class HalfOpenGuard {
public:
    explicit HalfOpenGuard(const EndpointSettings& settings)
        : limit_(settings.half_open_limit),
          limit_per_address_(settings.half_open_limit_per_address),
          cookie_threshold_(settings.cookie_threshold),
          cookie_threshold_per_address_(settings.cookie_threshold_per_address) {}

    enum class Verdict : std::uint8_t { admit, admit_with_cookie, drop };
    Verdict judge(const policy::IpAddress& peer) const;
    /// Whether there is room for one who cannot be asked for a cookie (IKEv1), whatever the
    /// threshold is.
    bool has_room_without_cookie(const policy::IpAddress& peer) const;
    std::size_t count() const { return by_request_.size(); }

    void add(const policy::UdpEndpoint& peer, wire::IkeSpi peer_spi, wire::IkeSpi own_spi);
    void remove(const policy::UdpEndpoint& peer, wire::IkeSpi peer_spi, wire::IkeSpi own_spi);
    void clear();
    /// Our SPI of the half-open SA that a first request of this peer made.
    std::optional<wire::IkeSpi> find(const policy::UdpEndpoint& peer, wire::IkeSpi peer_spi) const;

private:
    std::size_t count_of(const policy::IpAddress& peer) const;

    std::size_t limit_;
    std::size_t limit_per_address_;
    std::size_t cookie_threshold_;
    std::size_t cookie_threshold_per_address_;
    std::map<std::pair<policy::UdpEndpoint, wire::IkeSpi>, wire::IkeSpi> by_request_;
    std::map<policy::IpAddress, std::size_t> by_address_;
};

} // namespace viaduct::ike
