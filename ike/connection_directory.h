// The configured connections as the exchanges see them: shared, so that an SA outlives a reload.
#pragma once

#include "policy/connection_index.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
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
    /// Those whose peer address is this DNS name.
    std::vector<ConnectionPtr> with_peer_name(const std::string& name) const;
    /// Those that a first request on this path may mean, best first.
    std::vector<ConnectionPtr> candidates(policy::IkeVersion version,
                                          const policy::UdpPath& path) const;
    /// The peer's address as far as it is known: fixed, or what its name stood for last.
    std::optional<policy::IpAddress> peer_address(const policy::Connection& connection) const;
    /// Whether any connection is for this version.
    bool speaks(policy::IkeVersion version) const;
    /// No other connection has the same pair of identities, as far as patterns tell.
    bool alone_between_identities(const policy::Connection& connection) const;

private:
    /// Together, so that the index is always that of the set.
    struct Configured {
        policy::ConnectionSet set;
        policy::ConnectionIndex index;
    };
    std::vector<ConnectionPtr> share(const std::vector<std::size_t>& positions) const;

    std::string only_;
    std::shared_ptr<const Configured> configured_;
    std::vector<ConnectionPtr> connections_;
    std::set<policy::IkeVersion> versions_;
    std::map<std::string, std::vector<policy::IpAddress>, std::less<>> addresses_;
    /// The inverse.
    std::map<policy::IpAddress, std::set<std::string>> names_;
};

} // namespace viaduct::ike
