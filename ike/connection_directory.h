// The configured connections as the exchanges see them: shared, so that an SA outlives a reload.
#pragma once

#include "policy/connection_lookup.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::ike {

using ConnectionPtr = std::shared_ptr<const policy::Connection>;

class ConnectionDirectory {
public:
    /// `only`: the one connection that is known; empty: all.
    ConnectionDirectory(policy::ConnectionSet connections, std::string only);

    void replace(policy::ConnectionSet connections);
    void set_addresses(const std::string& name, std::vector<policy::IpAddress> addresses);

    ConnectionPtr find(std::string_view name) const;
    const std::vector<ConnectionPtr>& all() const { return connections_; }
    /// Those that a first request on this path may mean, best first.
    std::vector<ConnectionPtr> candidates(policy::IkeVersion version,
                                          const policy::UdpPath& path) const;
    /// The peer's address as far as it is known: fixed, or what its name stood for last.
    std::optional<policy::IpAddress> peer_address(const policy::Connection& connection) const;
    /// No other connection has the same pair of identities, as far as patterns tell.
    bool alone_between_identities(const policy::Connection& connection) const;
    /// What the kernel knows the child SAs of a connection with these selectors by: our mark in the
    /// high octet, stable while the endpoint lives, never 0. Children with other selectors have
    /// another, since the kernel takes the newest state of a reqid whatever it protects; only a
    /// peer that narrows to thousands of different selectors meets numbers that are shared.
    std::uint32_t reqid(const std::string& connection, std::vector<policy::TrafficSelector> local,
                        std::vector<policy::TrafficSelector> remote);

private:
    ConnectionPtr share(const policy::Connection* connection) const;

    std::string only_;
    std::shared_ptr<const policy::ConnectionSet> set_;
    std::vector<ConnectionPtr> connections_;
    std::map<std::string, std::vector<policy::IpAddress>, std::less<>> addresses_;
    using Selectors =
        std::pair<std::vector<policy::TrafficSelector>, std::vector<policy::TrafficSelector>>;
    std::map<std::string, std::map<Selectors, std::uint32_t>, std::less<>> reqids_;
    std::uint32_t last_reqid_ = 0;
};

} // namespace viaduct::ike
