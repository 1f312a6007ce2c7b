#include "netns/tunnel_interfaces.h"

#include "netns/set_difference.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace viaduct::netns {
namespace {

using policy::WantedInterface;

bool is_ours(const ListedLink& link) {
    return link.if_id && *link.if_id == policy::interface_id(link.name);
}

template <class Value> using Values = std::vector<Value> WantedInterface::*;
template <class Value>
using RequestFor = NetlinkMessage (*)(const ListedLink& link, const Value& value);

template <class Value>
void append_additions(std::vector<InterfaceChange>& changes, const ListedLink& link,
                      const std::vector<Value>& added, Values<Value> kind,
                      RequestFor<Value> request, int already) {
    for (const Value& each : added) {
        changes.push_back({request(link, each),
                           [kind, each](WantedInterface& there) {
                               auto& values = there.*kind;
                               values.insert(std::ranges::lower_bound(values, each), each);
                           },
                           already});
    }
}

template <class Value>
void append_deletions(std::vector<InterfaceChange>& changes, const ListedLink& link,
                      const std::vector<Value>& deleted, Values<Value> kind,
                      RequestFor<Value> request, int already) {
    for (const Value& each : deleted) {
        changes.push_back({request(link, each),
                           [kind, each](WantedInterface& there) { std::erase(there.*kind, each); },
                           already});
    }
}

/// An XFRM interface's own things go with it; ours are remembered without what they came from.
WantedInterface remembered(WantedInterface wanted) {
    wanted.connections.clear();
    return wanted;
}

} // namespace

std::vector<InterfaceChange> interface_changes(const ListedLink& link,
                                               const WantedInterface& before,
                                               const WantedInterface& after) {
    constexpr auto addresses = &WantedInterface::addresses;
    constexpr auto routes = &WantedInterface::routes;
    std::vector<InterfaceChange> changes;
    if (before.mtu != after.mtu) {
        changes.push_back({set_tunnel_interface(link, after.mtu),
                           [mtu = after.mtu](WantedInterface& there) { there.mtu = mtu; }});
    }
    if (before.mtu == 0) {
        changes.push_back({bring_up(link), [](WantedInterface&) {}});
    }
    append_additions(changes, link, without(after.addresses, before.addresses), addresses,
                     add_address, EEXIST);
    // One that is there may be somebody else's.
    append_additions(changes, link, without(after.routes, before.routes), routes, add_route, 0);
    append_deletions(changes, link, without(before.routes, after.routes), routes, delete_route,
                     ESRCH);
    append_deletions(changes, link, without(before.addresses, after.addresses), addresses,
                     delete_address, EADDRNOTAVAIL);
    return changes;
}

std::expected<TunnelInterfaces, SystemError>
TunnelInterfaces::open(const NetworkNamespace& router) {
    return NetlinkSocket::open(router, NETLINK_ROUTE).transform([](NetlinkSocket&& socket) {
        return TunnelInterfaces(std::make_unique<NetlinkSocket>(std::move(socket)));
    });
}

std::vector<SystemError> TunnelInterfaces::set(const std::vector<WantedInterface>& wanted) {
    std::vector<SystemError> failures;
    if (!leftovers_removed_) {
        remove_leftovers(failures);
        leftovers_removed_ = true;
    }
    wanted_.clear();
    for (const WantedInterface& each : wanted) {
        wanted_.emplace(each.name, remembered(each));
    }
    std::erase_if(made_, [&](const auto& entry) {
        if (wanted_.contains(entry.first)) {
            return false;
        }
        remove(entry.second.link, failures);
        return true;
    });
    for (const auto& [name, each] : wanted_) {
        if (const auto made = made_.find(name); made != made_.end()) {
            change(made->second, each, failures);
        } else {
            make(each, failures);
        }
    }
    return failures;
}

std::vector<SystemError> TunnelInterfaces::restore() {
    std::vector<SystemError> failures;
    for (const auto& [name, each] : wanted_) {
        if (const auto made = made_.find(name); made != made_.end()) {
            const auto link = find(name);
            if (link && link->index == made->second.link.index && link->up) {
                if (made->second.as != each) {
                    change(made->second, each, failures);
                }
                continue;
            }
            // One that was taken down has lost its routes.
            if (link && is_ours(*link)) {
                remove(*link, failures);
            }
            made_.erase(made);
        }
        make(each, failures);
    }
    return failures;
}

void TunnelInterfaces::remove_all() {
    std::vector<SystemError> unheard;
    for (const auto& [name, made] : std::exchange(made_, {})) {
        remove(made.link, unheard);
    }
    wanted_.clear();
}

void TunnelInterfaces::remove_leftovers(std::vector<SystemError>& failures) {
    std::vector<NetlinkMessage> deletions;
    const auto listed = kernel_->dump(list_links(), [&](std::span<const std::uint8_t> message) {
        if (const auto link = read_link(message); link && is_ours(*link)) {
            deletions.push_back(delete_link(*link));
        }
    });
    if (!listed) {
        failures.push_back(listed.error());
    }
    run(std::move(deletions), failures);
}

void TunnelInterfaces::make(const WantedInterface& wanted, std::vector<SystemError>& failures) {
    auto creation = add_tunnel_interface(wanted.name, wanted.if_id, wanted.mtu);
    const auto created = std::move(kernel_->exchange({&creation, 1}).front());
    const auto link = find(wanted.name);
    if (!created && !(link && is_ours(*link))) {
        auto error = created.error();
        if (error.code == EEXIST && link) {
            error.kernel_message = "there is an interface of that name that is not ours";
        }
        failures.push_back(std::move(error));
        return;
    }
    if (!link) {
        failures.push_back(link.error());
        return;
    }
    auto& made = made_[wanted.name];
    made.link = *link;
    made.as = {.name = wanted.name,
               .if_id = wanted.if_id,
               .addresses = {},
               .routes = {},
               .connections = {}};
    change(made, wanted, failures);
}

void TunnelInterfaces::remove(const ListedLink& link, std::vector<SystemError>& failures) {
    std::vector<NetlinkMessage> deletion;
    deletion.push_back(delete_link(link));
    run(std::move(deletion), failures);
}

void TunnelInterfaces::change(Made& made, const WantedInterface& wanted,
                              std::vector<SystemError>& failures) {
    auto changes = interface_changes(made.link, made.as, wanted);
    std::vector<NetlinkMessage> requests;
    requests.reserve(changes.size());
    for (InterfaceChange& change : changes) {
        requests.push_back(std::move(change.request));
    }
    const auto answers = kernel_->exchange(requests);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const int error = answers[i] ? 0 : answers[i].error().code;
        if (error == 0 || error == changes[i].already) {
            changes[i].done(made.as);
        } else if (error != ENODEV) {
            failures.push_back(answers[i].error());
        }
    }
}

std::expected<ListedLink, SystemError> TunnelInterfaces::find(const std::string& name) {
    auto question = find_link(name);
    const std::string what = question.description();
    const auto answer = std::move(kernel_->exchange({&question, 1}).front());
    if (!answer) {
        return std::unexpected(answer.error());
    }
    const auto link = read_link(*answer);
    return link ? std::expected<ListedLink, SystemError>(*link)
                : std::unexpected(SystemError{EBADMSG, what, "the answer holds no interface"});
}

void TunnelInterfaces::run(std::vector<NetlinkMessage> requests,
                           std::vector<SystemError>& failures) {
    for (const NetlinkAnswer& answer : kernel_->exchange(requests)) {
        if (!answer && answer.error().code != ENODEV) {
            failures.push_back(answer.error());
        }
    }
}

} // namespace viaduct::netns
