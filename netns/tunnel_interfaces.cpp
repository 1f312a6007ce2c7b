#include "netns/tunnel_interfaces.h"

#include "netns/link_contents.h"
#include "netns/set_difference.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <limits>
#include <type_traits>
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

int code_of(const NetlinkAnswer& answer) {
    return answer ? 0 : answer.error().code;
}

/// An XFRM interface's own things go with it; ours are remembered without what they came from.
WantedInterface remembered(WantedInterface wanted) {
    wanted.connections.clear();
    return wanted;
}

using policy::lowest_ipv6_mtu;

/// An interface that becomes so narrow loses it.
void forget_ipv6(WantedInterface& there) {
    std::erase_if(there.addresses, [](const policy::InterfaceAddress& each) {
        return each.address.family() == policy::AddressFamily::ipv6;
    });
    std::erase_if(there.routes, [](const policy::Subnet& each) {
        return each.address.family() == policy::AddressFamily::ipv6;
    });
}

template <class List> void sort_out(List& list) {
    std::ranges::sort(list);
    const auto repeated = std::ranges::unique(list);
    list.erase(repeated.begin(), repeated.end());
}

/// In place the kernel would give it a link-local address with that, which sends into the tunnel by
/// itself.
bool gains_ipv6(const WantedInterface& before, const WantedInterface& after) {
    return before.mtu != 0 && before.mtu < lowest_ipv6_mtu && after.mtu >= lowest_ipv6_mtu;
}

MissingPart missing_interface(const std::string& interface) {
    return {.interface = interface, .whole = true, .request = "NEWLINK " + interface};
}

void append_missing(std::vector<MissingPart>& missing, const std::vector<InterfaceChange>& changes,
                    const std::string& interface) {
    for (const InterfaceChange& change : changes) {
        missing.push_back({interface, false, change.request.description()});
    }
}

/// What was asked for may be there although that was never confirmed: what of it is wanted no more
/// counts as there until it is deleted.
void assume_there(WantedInterface& there, const WantedInterface& before,
                  const WantedInterface& after) {
    const auto assume = [&](auto kind) {
        const auto unwanted = without(before.*kind, after.*kind);
        std::remove_cvref_t<decltype(unwanted)> both;
        std::ranges::set_union(there.*kind, unwanted, std::back_inserter(both));
        there.*kind = std::move(both);
    };
    assume(&WantedInterface::addresses);
    assume(&WantedInterface::routes);
}

} // namespace

std::vector<InterfaceChange> interface_changes(const ListedLink& link, WantedInterface before,
                                               const WantedInterface& after) {
    constexpr auto addresses = &WantedInterface::addresses;
    constexpr auto routes = &WantedInterface::routes;
    std::vector<InterfaceChange> changes;
    if (before.mtu != after.mtu) {
        const bool loses_ipv6 = after.mtu < lowest_ipv6_mtu;
        changes.push_back({set_tunnel_interface(link, after.mtu),
                           [mtu = after.mtu, loses_ipv6](WantedInterface& there) {
                               there.mtu = mtu;
                               if (loses_ipv6) {
                                   forget_ipv6(there);
                               }
                           }});
        // The kernel would not even delete it (ENXIO).
        if (loses_ipv6) {
            forget_ipv6(before);
        }
    }
    if (before.mtu == 0) {
        changes.push_back({bring_up(link), [](WantedInterface&) {}});
    }
    append_additions(changes, link, without(after.addresses, before.addresses), addresses,
                     add_address, EEXIST);
    // One that is there may be somebody else's, or ours without our having heard of it.
    for (const policy::Subnet& each : without(after.routes, before.routes)) {
        append_additions(changes, link, std::vector{each}, routes, add_route, 0);
        changes.back().replacement.emplace(delete_route(link, each), add_route(link, each));
    }
    append_deletions(changes, link, without(before.routes, after.routes), routes, delete_route,
                     ESRCH);
    append_deletions(changes, link, without(before.addresses, after.addresses), addresses,
                     delete_address, EADDRNOTAVAIL);
    return changes;
}

std::expected<TunnelInterfaces, SystemError>
TunnelInterfaces::open(const NetworkNamespace& router) {
    return NetlinkSocket::open(router, NETLINK_ROUTE).transform([](NetlinkSocket&& socket) {
        socket.insist_on_filters();
        return TunnelInterfaces(std::make_unique<NetlinkSocket>(std::move(socket)));
    });
}

std::vector<SystemError> TunnelInterfaces::set(const std::vector<WantedInterface>& wanted) {
    std::vector<SystemError> failures;
    remove_leftovers(failures);
    const auto before = std::exchange(wanted_, {});
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
        auto made = made_.find(name);
        if (made != made_.end() && gains_ipv6(made->second.as, each)) {
            remove(made->second.link, failures);
            made_.erase(made);
            made = made_.end();
        }
        if (made != made_.end()) {
            assume_there(made->second.as, before.at(name), each);
            change(made->second, each, failures);
        } else {
            make(each, failures);
        }
    }
    return failures;
}

InterfaceReview TunnelInterfaces::restore() {
    InterfaceReview result;
    remove_leftovers(result.failures);
    for (const auto& [name, each] : wanted_) {
        if (const auto made = made_.find(name); made != made_.end()) {
            const auto link = find(name);
            if (!link && link.error().code != ENODEV) {
                // It was there a second ago.
                result.failures.push_back(link.error());
                continue;
            }
            if (is_intact(made->second, each, link)) {
                review(made->second, *link, result);
                if (made->second.as != each) {
                    change(made->second, each, result.failures);
                }
                continue;
            }
            result.missing.push_back(missing_interface(name));
            if (link && is_ours(*link)) {
                remove(*link, result.failures);
            }
            made_.erase(made);
        }
        make(each, result.failures);
    }
    return result;
}

InterfaceReview TunnelInterfaces::look() {
    InterfaceReview result;
    for (const auto& [name, each] : wanted_) {
        const auto made = made_.find(name);
        const auto link = find(name);
        if (!link && link.error().code != ENODEV) {
            result.failures.push_back(link.error());
        } else if (made == made_.end() || !is_intact(made->second, each, link)) {
            result.missing.push_back(missing_interface(name));
        } else if (const auto there = still_there(made->second, *link, true); !there) {
            result.failures.push_back(there.error());
        } else {
            append_missing(result.missing, interface_changes(*link, *there, each), name);
        }
    }
    return result;
}

void TunnelInterfaces::note(std::span<const std::uint8_t> notification) {
    if (made_.empty()) {
        return;
    }
    const auto loss = read_interface_loss(notification);
    if (!loss) {
        return;
    }
    for (auto& [name, made] : made_) {
        made.doubted = made.doubted || made.link.index == loss->interface ||
                       (loss->replaced && std::ranges::contains(made.as.routes, *loss->replaced));
    }
}

void TunnelInterfaces::distrust() {
    for (auto& [name, made] : made_) {
        made.doubted = true;
    }
}

void TunnelInterfaces::remove_all() {
    std::vector<SystemError> unheard;
    for (const auto& [name, made] : std::exchange(made_, {})) {
        remove(made.link, unheard);
    }
    if (leftovers_ == Leftovers::possible) {
        remove_leftovers(unheard);
    }
    wanted_.clear();
}

void TunnelInterfaces::remove_leftovers(std::vector<SystemError>& failures) {
    if (leftovers_ == Leftovers::none) {
        return;
    }
    std::vector<NetlinkMessage> deletions;
    const auto listed = kernel_->dump(list_links(), [&](std::span<const std::uint8_t> message) {
        if (const auto link = read_link(message); link && is_ours(*link) && !is_made(*link)) {
            deletions.push_back(delete_link(*link));
        }
    });
    if (!listed) {
        failures.push_back(listed.error());
    }
    leftovers_ = listed ? Leftovers::none : Leftovers::possible;
    run(std::move(deletions), failures);
}

bool TunnelInterfaces::is_made(const ListedLink& link) const {
    const auto made = made_.find(link.name);
    return made != made_.end() && made->second.link.index == link.index;
}

void TunnelInterfaces::make(const WantedInterface& wanted, std::vector<SystemError>& failures) {
    const auto link = create(wanted);
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

std::expected<ListedLink, SystemError> TunnelInterfaces::create(const WantedInterface& wanted) {
    auto creation = add_tunnel_interface(wanted.name, wanted.if_id, wanted.mtu);
    const auto created = std::move(kernel_->exchange({&creation, 1}).front());
    auto link = find(wanted.name);
    const bool is_foreign = link && !is_ours(*link);
    if (link && !is_foreign && code_of(created) != EEXIST) {
        return link;
    }
    const bool is_absent = !link && link.error().code == ENODEV;
    // Of one that was there it is not known what it holds, nor without an answer whether it is.
    leftovers_ = is_foreign || is_absent ? leftovers_ : Leftovers::possible;
    if (created) {
        return link ? std::unexpected(SystemError{EEXIST, creation.description(), {}}) : link;
    }
    auto error = created.error();
    if (error.code == EEXIST && is_foreign) {
        error.kernel_message = "there is an interface of that name that is not ours";
    }
    return std::unexpected(std::move(error));
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
    auto answers = kernel_->exchange(requests);
    replace_ours(made, changes, answers);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const int error = code_of(answers[i]);
        if (error == 0 || error == changes[i].already) {
            changes[i].done(made.as);
        } else if (error != ENODEV) {
            failures.push_back(answers[i].error());
        }
    }
    // It may have become narrow all the same, and have lost its IPv6.
    made.doubted = made.doubted || (wanted.mtu < lowest_ipv6_mtu && made.as.mtu >= lowest_ipv6_mtu);
}

void TunnelInterfaces::replace_ours(Made& made, std::vector<InterfaceChange>& changes,
                                    std::vector<NetlinkAnswer>& answers) {
    std::vector<std::size_t> again;
    std::vector<NetlinkMessage> requests;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        auto& replacement = changes[i].replacement;
        if (code_of(answers[i]) == EEXIST && replacement &&
            !made.foreign.contains(replacement->second.description())) {
            again.push_back(i);
            requests.push_back(std::move(replacement->first));
            requests.push_back(std::move(replacement->second));
        }
    }
    auto replaced = requests.empty() ? std::vector<NetlinkAnswer>() : kernel_->exchange(requests);
    for (std::size_t i = 0; i < replaced.size() / 2; ++i) {
        const auto& deleted = replaced[2 * i];
        auto& added = replaced[2 * i + 1];
        if (code_of(deleted) == ESRCH && code_of(added) == EEXIST) {
            made.foreign.insert(requests[2 * i + 1].description());
        }
        answers[again[i]] = std::move(added);
    }
}

bool TunnelInterfaces::is_intact(const Made& made, const WantedInterface& wanted,
                                 const std::expected<ListedLink, SystemError>& found) const {
    // One that was taken down has lost its routes.
    return found && found->index == made.link.index && found->up &&
           (found->mtu >= lowest_ipv6_mtu || wanted.mtu < lowest_ipv6_mtu);
}

std::expected<WantedInterface, SystemError>
TunnelInterfaces::still_there(const Made& made, const ListedLink& found, bool doubted) {
    auto there = made.as;
    // 0: it was refused before, and is asked for as if the interface were new.
    if (made.as.mtu != 0) {
        there.mtu = static_cast<std::uint16_t>(
            std::min<std::uint32_t>(found.mtu, std::numeric_limits<std::uint16_t>::max()));
    }
    if (found.mtu < lowest_ipv6_mtu) {
        forget_ipv6(there);
    }
    if (doubted) {
        if (const auto read = read_contents(made, there); !read) {
            return std::unexpected(read.error());
        }
    }
    return there;
}

void TunnelInterfaces::review(Made& made, const ListedLink& found, InterfaceReview& review) {
    auto there = still_there(made, found, made.doubted);
    if (!there) {
        review.failures.push_back(there.error());
        return;
    }
    if (std::exchange(made.doubted, false)) {
        made.foreign.clear();
    }
    append_missing(review.missing, interface_changes(made.link, *there, made.as), made.link.name);
    made.as = std::move(*there);
}

std::expected<void, SystemError> TunnelInterfaces::read_contents(const Made& made,
                                                                 WantedInterface& contents) {
    WantedInterface listed;
    const auto addresses = kernel_->dump(list_addresses(made.link), [&](auto message) {
        const auto each = read_listed_address(message);
        if (each && each->interface == made.link.index) {
            listed.addresses.push_back(each->address);
        }
    });
    if (!addresses) {
        return addresses;
    }
    const auto routes = kernel_->dump(list_our_routes(made.link), [&](auto message) {
        const auto each = read_listed_route(message);
        if (each && each->ours && each->interface == made.link.index) {
            listed.routes.push_back(each->destination);
        }
    });
    if (!routes) {
        return routes;
    }
    sort_out(listed.addresses);
    sort_out(listed.routes);
    // What others had added there is theirs.
    contents.addresses = without(made.as.addresses, without(made.as.addresses, listed.addresses));
    contents.routes = without(made.as.routes, without(made.as.routes, listed.routes));
    return {};
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
            leftovers_ = Leftovers::possible;
        }
    }
}

} // namespace viaduct::netns
