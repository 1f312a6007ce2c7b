#include "ike/connection_directory.h"

#include <algorithm>

namespace viaduct::ike {

namespace {

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
    auto set = only(std::move(connections), only_);
    policy::ConnectionIndex index(set);
    configured_ = std::make_shared<const Configured>(std::move(set), std::move(index));
    connections_.clear();
    connections_.reserve(configured_->set.connections.size());
    versions_.clear();
    for (const auto& each : configured_->set.connections) {
        connections_.emplace_back(configured_, &each);
        versions_.insert(each.ike.version);
    }
}

bool ConnectionDirectory::speaks(policy::IkeVersion version) const {
    return versions_.contains(version);
}

void ConnectionDirectory::set_addresses(const std::string& name,
                                        std::vector<policy::IpAddress> addresses) {
    auto& known = addresses_[name];
    for (const auto& each : known)
        if (const auto found = names_.find(each); found != names_.end()) {
            found->second.erase(name);
            if (found->second.empty())
                names_.erase(found);
        }
    known = std::move(addresses);
    for (const auto& each : known)
        names_[each].insert(name);
}

std::vector<ConnectionPtr>
ConnectionDirectory::share(const std::vector<std::size_t>& positions) const {
    std::vector<ConnectionPtr> out;
    out.reserve(positions.size());
    for (const auto position : positions)
        out.push_back(connections_[position]);
    return out;
}

ConnectionPtr ConnectionDirectory::find(std::string_view name) const {
    const auto found = configured_->index.find(name);
    return found ? connections_[*found] : nullptr;
}

std::vector<ConnectionPtr> ConnectionDirectory::candidates(policy::IkeVersion version,
                                                           const policy::UdpPath& path) const {
    const auto found = names_.find(path.remote.address);
    return share(configured_->index.candidates(version, path.local.address, path.remote.address,
                                               found == names_.end() ? std::set<std::string>{}
                                                                     : found->second));
}

std::vector<ConnectionPtr> ConnectionDirectory::with_peer_name(const std::string& name) const {
    return share(configured_->index.with_peer_name(name));
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
    return !configured_->index.has_rival(connection);
}

} // namespace viaduct::ike
