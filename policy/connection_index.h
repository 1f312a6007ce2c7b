// Connections of one set by what they are looked up by, so that a set may be large.
#pragma once

#include "policy/connection.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace viaduct::policy {

/// Holds no connections but their positions in `ConnectionSet::connections`: it is true of the set
/// that it was made from, as long as nobody changes that, and of its copies. Positions come in the
/// order of the file unless said otherwise.
class ConnectionIndex {
public:
    using Position = std::size_t;

    explicit ConnectionIndex(const ConnectionSet& set);

    std::optional<Position> find(std::string_view name) const;
    /// The candidates for an IKE_SA_INIT or phase 1 message that arrived on `local` from `remote`,
    /// in the order in which they are tried: a fixed peer address before a name before `any`, else
    /// the order of the file. `names`: the DNS names that stand for `remote` at this moment.
    std::vector<Position> candidates(IkeVersion version, const IpAddress& local,
                                     const IpAddress& remote,
                                     const std::set<std::string>& names) const;
    /// Those whose peer address is this DNS name.
    std::vector<Position> with_peer_name(const std::string& name) const;
    /// Whether there may be another connection, by name, between the same two identities; patterns
    /// count as whatever they may match.
    bool has_rival(const Connection& connection) const;

private:
    using Positions = std::vector<Position>;
    struct ByPeer {
        std::map<IpAddress, Positions> fixed;
        std::map<std::string, Positions> named;
        Positions any;
    };
    struct ByIdentity {
        /// Names of connections.
        std::set<std::string> all;
        std::set<std::string> patterns;
        std::map<Identity, std::set<std::string>> exact;
    };

    std::map<std::string, Position, std::less<>> names_;
    std::map<std::pair<IkeVersion, IpAddress>, ByPeer> peers_;
    std::map<std::string, Positions> peer_names_;
    std::map<Identity, ByIdentity> identities_;
};

} // namespace viaduct::policy
