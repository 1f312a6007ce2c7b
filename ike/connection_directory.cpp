#include "ike/connection_directory.h"

#include "policy/child_sa.h"

#include <algorithm>

namespace viaduct::ike {

namespace {

/// Of one connection; 1024 children for pairs are the most that a configuration asks for.
constexpr std::size_t most_reqids = 4096;

policy::ConnectionSet only(policy::ConnectionSet set, const std::string& name) {
    if (!name.empty())
        std::erase_if(set.connections, [&](const auto& each) { return each.name != name; });
    return set;
}

} // namespace

ConnectionDirectory::ConnectionDirectory(policy::ConnectionSet connections, std::string only)
    : only_(std::move(only)) {
    replace(std::move(connections));
}

void ConnectionDirectory::replace(policy::ConnectionSet connections) {
    set_ = std::make_shared<const policy::ConnectionSet>(only(std::move(connections), only_));
    connections_.clear();
    for (const auto& each : set_->connections)
        connections_.push_back(share(&each));
}

void ConnectionDirectory::set_addresses(const std::string& name,
                                        std::vector<policy::IpAddress> addresses) {
    addresses_[name] = std::move(addresses);
}

ConnectionPtr ConnectionDirectory::share(const policy::Connection* connection) const {
    return connection ? ConnectionPtr(set_, connection) : nullptr;
}

ConnectionPtr ConnectionDirectory::find(std::string_view name) const {
    return share(set_->find(name));
}

std::vector<ConnectionPtr> ConnectionDirectory::candidates(policy::IkeVersion version,
                                                           const policy::UdpPath& path) const {
    const auto resolved = [&](const std::string& name, const policy::IpAddress& address) {
        const auto found = addresses_.find(name);
        return found != addresses_.end() && std::ranges::contains(found->second, address);
    };
    std::vector<ConnectionPtr> out;
    for (const auto* each :
         policy::candidates(*set_, version, path.local.address, path.remote.address, resolved))
        out.push_back(share(each));
    return out;
}

std::optional<policy::IpAddress>
ConnectionDirectory::peer_address(const policy::Connection& connection) const {
    if (const auto* fixed = std::get_if<policy::IpAddress>(&connection.peer_address))
        return *fixed;
    const auto* named = std::get_if<policy::PeerName>(&connection.peer_address);
    if (!named)
        return std::nullopt;
    const auto found = addresses_.find(named->name);
    if (found == addresses_.end())
        return std::nullopt;
    const auto family = connection.local_address.family();
    const auto fits = std::ranges::find(found->second, family, &policy::IpAddress::family);
    return fits == found->second.end() ? std::nullopt : std::optional(*fits);
}

bool ConnectionDirectory::alone_between_identities(const policy::Connection& connection) const {
    using Kind = policy::IdentityPattern::Kind;
    return std::ranges::none_of(connections_, [&](const ConnectionPtr& other) {
        const bool same_peer = other->peer_id == connection.peer_id ||
                               other->peer_id.kind != Kind::exact ||
                               connection.peer_id.kind != Kind::exact;
        return other->name != connection.name && other->local_id == connection.local_id &&
               same_peer;
    });
}

std::uint32_t ConnectionDirectory::reqid(const std::string& connection,
                                         std::vector<policy::TrafficSelector> local,
                                         std::vector<policy::TrafficSelector> remote) {
    std::ranges::sort(local);
    std::ranges::sort(remote);
    auto& reqids = reqids_[connection];
    const Selectors selectors{std::move(local), std::move(remote)};
    if (const auto found = reqids.find(selectors); found != reqids.end())
        return found->second;
    if (reqids.size() >= most_reqids)
        return reqids.begin()->second;
    last_reqid_ = last_reqid_ % policy::reqid_number_mask + 1;
    return reqids.emplace(selectors, policy::reqid_mark | last_reqid_).first->second;
}

} // namespace viaduct::ike
