// DNS names of peers, resolved by the system's resolver (getaddrinfo on one thread of its own) in
// the daemon's own namespace, not in the router's.
#pragma once

#include "policy/ip_address.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <functional>
#include <string>
#include <vector>

namespace viaduct::daemon {

class NameResolver {
public:
    explicit NameResolver(boost::asio::io_context& loop) : resolver_(loop) {}

    /// `done` gets the addresses in the resolver's order without duplicates, none when the name
    /// does not resolve. It is called from the loop, never from here.
    using Done = std::function<void(std::vector<policy::IpAddress>)>;
    void resolve(const std::string& name, Done done);

private:
    boost::asio::ip::udp::resolver resolver_;
};

} // namespace viaduct::daemon
